"""The multi-GPU unit test of the bundle in the form of the MONAI model zoo, for its `ci/unit_tests`.

It trains in one process a GPU, or in two on the CPU where there is none, on the random volumes of the other unit test.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest

import nibabel as nib
import numpy as np
import torch
from test_head_ct_position_anomaly import BUNDLE, SEED, TRAIN
from utils import export_config_and_run_mgpu_cmd

OVERRIDES = {name: value for name, value in TRAIN.items() if name not in ("imports", "device")}
"""The overlay for several processes has imports and a device of its own."""

IMPORTS = ["$import os", "$import torch", "$import torch.distributed as dist", "$import monai.handlers"]
"""Imports of that overlay."""

PROCESSES_ON_CPU = 2


class TestHeadCTPositionAnomalyMGPU(unittest.TestCase):
    """Training with validation in several processes."""

    def setUp(self) -> None:
        self.dataset_dir = tempfile.mkdtemp()
        random = np.random.default_rng(SEED)
        for number in range(2):
            for kind, low, high in (("image", -100, 200), ("label", 0, 4)):
                voxels = random.integers(low, high, (64, 64, 64)).astype(np.int16)
                path = os.path.join(self.dataset_dir, f"{kind}_{number}.nii.gz")
                nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)

    def tearDown(self) -> None:
        shutil.rmtree(self.dataset_dir)

    def test_train_mgpu_config(self) -> None:
        output_dir = os.path.join(self.dataset_dir, "out")
        configs = os.path.join(BUNDLE, "configs")
        export_config_and_run_mgpu_cmd(
            config_file=[os.path.join(configs, name) for name in ("train.json", "multi_gpu_train.json")],
            logging_file=os.path.join(configs, "logging.conf"),
            meta_file=os.path.join(configs, "metadata.json"),
            override_dict={
                **OVERRIDES,
                "imports": [*IMPORTS, "$import glob"],
                "dataset_dir": self.dataset_dir,
                "output_dir": output_dir,
            },
            output_path=os.path.join(self.dataset_dir, "train_override.json"),
            ngpu=torch.cuda.device_count() or PROCESSES_ON_CPU,
        )
        self.assertTrue(os.path.exists(os.path.join(output_dir, "checkpoint_epoch=1.pt")))


if __name__ == "__main__":
    unittest.main()
