"""The unit test of the bundle in the form of the MONAI model zoo, for its `ci/unit_tests`.

It runs in the zoo's folder, with the bundle in `models`, and changes configs by overrides only. Training and validation
take random volumes; inference, which refuses what is no head, takes the bundle's own mean head, with noise.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest

import nibabel as nib
import numpy as np
from monai.bundle import ConfigWorkflow

BUNDLE = "models/head_ct_position_anomaly"

STEP = 2
"""Every second voxel of the mean head: 2 mm, as a scan may have."""

NOISE_HU, SEED = 8, 0
"""Noise of a routine head scan, and where it begins."""

LOADED = {"_target_": "LoadImaged", "keys": ["image"], "ensure_channel_first": True, "image_only": True}
AS_DRAWN = {"_target_": "CastToTyped", "keys": ["image"], "dtype": "$torch.int16"}

TRAIN = {
    "bundle_root": BUNDLE,
    "imports": ["$import torch", "$import monai.handlers", "$import glob"],
    "device": "cpu",
    "max_epochs": 1,
    "iterations_per_epoch": 2,
    "crops_per_iteration": 2,
    "crop_size": 43,
    "width": 1,
    "train#dataloader#prefetch_factor": 1,
    "drawing#transforms": [LOADED, AS_DRAWN],
    "train#dataset#data": "$[{'image': name} for name in sorted(glob.glob(@dataset_dir + '/image_*.nii.gz'))]",
    "validate#preprocessing#transforms": [{**LOADED, "keys": ["image", "label"]}, "@intensity"],
    "validate#dataset#data": "$[{'image': name, 'label': name.replace('image_', 'label_')} "
    "for name in sorted(glob.glob(@dataset_dir + '/image_*.nii.gz'))]",
}

INFERENCE = {"bundle_root": BUNDLE, "stride": 4, "device": "cpu", "report": False}


def check_workflow(workflow: ConfigWorkflow) -> None:
    """Run a workflow that has all the properties of its kind."""
    workflow.initialize()
    missing = workflow.check_properties()
    if missing:
        raise ValueError(f"check properties for workflow failed: {missing}")
    workflow.run()
    workflow.finalize()


def workflow(kind: str, config: str, **overrides: object) -> ConfigWorkflow:
    """A workflow of the bundle."""
    return ConfigWorkflow(
        workflow_type=kind,
        config_file=os.path.join(BUNDLE, "configs", config),
        logging_file=os.path.join(BUNDLE, "configs/logging.conf"),
        meta_file=os.path.join(BUNDLE, "configs/metadata.json"),
        **overrides,
    )


class TestHeadCTPositionAnomaly(unittest.TestCase):
    """Training with validation, and inference."""

    def setUp(self) -> None:
        self.dataset_dir = tempfile.mkdtemp()
        self.output_dir = os.path.join(self.dataset_dir, "out")
        self.random = np.random.default_rng(SEED)

    def tearDown(self) -> None:
        shutil.rmtree(self.dataset_dir)

    def save(self, name: str, voxels: np.ndarray, affine: np.ndarray) -> str:
        """Write a volume of int16; its path."""
        path = os.path.join(self.dataset_dir, name)
        nib.save(nib.Nifti1Image(voxels.astype(np.int16), affine), path)
        return path

    def test_train_config(self) -> None:
        for number in range(2):
            self.save(f"image_{number}.nii.gz", self.random.integers(-100, 200, (64, 64, 64)), np.eye(4))
            self.save(f"label_{number}.nii.gz", self.random.integers(0, 4, (64, 64, 64)), np.eye(4))
        check_workflow(
            workflow("train", "train.json", **TRAIN, dataset_dir=self.dataset_dir, output_dir=self.output_dir)
        )
        self.assertTrue(os.path.exists(os.path.join(self.output_dir, "checkpoint_epoch=1.pt")))

    def test_infer_config(self) -> None:
        mean = nib.load(os.path.join(BUNDLE, "models/reference.nii.gz"))
        head = np.asarray(mean.dataobj)[::STEP, ::STEP, ::STEP]
        noise = self.random.normal(0, NOISE_HU, head.shape) * (head > -900)
        scan = self.save("head.nii.gz", np.rint(head + noise), mean.affine @ np.diag([STEP, STEP, STEP, 1]))
        check_workflow(workflow("infer", "inference.json", **INFERENCE, dataset_dir=scan, output_dir=self.output_dir))
        self.assertTrue(os.path.exists(os.path.join(self.output_dir, "result.json")))


if __name__ == "__main__":
    unittest.main()
