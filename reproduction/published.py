"""Numbers reported by the paper (Bieder et al., MIDL 2022), each with its table or figure.

The *position network* regresses the position of patches; the *autoencoder* is the paper's baseline; *width* is m. The
*tasks* are telling hemispheres with a haemorrhage from those without, and heads with a fracture from healthy ones.
Numbers that the paper only draws were read from its vector figures.
"""

from __future__ import annotations

POSITION, AUTOENCODER = "position", "autoencoder"
"""The networks."""

HAEMORRHAGE, FRACTURE = "haemorrhage", "fracture"
"""The tasks."""

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
"""Every width that was published."""

PATCH_SIZE, PATCHES, VOLUMES = 31, 256, 4
"""The patch size in voxels, and the batches: patches of the position network, volumes of the autoencoder."""

PARAMETERS = {
    POSITION: (7451, 29523, 117531, 469011, 1873827, 7490883, 29954691),
    AUTOENCODER: (5851, 22965, 90985, 362193, 1445281, 5774145, 23082625),
}
"""Figure 3: parameters of each network, by width."""

AUROCS = {
    (POSITION, HAEMORRHAGE): (0.577, 0.679, 0.719, 0.741, 0.804, 0.785, 0.815),
    (POSITION, FRACTURE): (0.488, 0.700, 0.779, 0.745, 0.700, 0.724, 0.817),
    (AUTOENCODER, HAEMORRHAGE): (0.582, 0.513, 0.568, 0.586, 0.572, 0.656, 0.500),
    (AUTOENCODER, FRACTURE): (0.705, 0.660, 0.695, 0.660, 0.774, 0.569, 0.748),
}
"""Figure 3: AUROC of each network and task, by width."""

MEMORY_MB = {
    POSITION: (1200, 1450, 1760, 2466, 4452, 8474, 18680),
    AUTOENCODER: (3438, 3612, 4202, 5120, 7894, 12548, 21860),
}
"""Table 1: memory of a training in MB, by width."""

ROC_AUROCS = {HAEMORRHAGE: (0.81, 0.74, 0.88), FRACTURE: (0.79, 0.65, 0.93)}
"""Figure 6: AUROC of the position network in each task, and its 95 % interval."""

ROC_POINTS = ((HAEMORRHAGE, 0.49, 0.90), (HAEMORRHAGE, 0.66, 0.80))
"""Figure 6: task, sensitivity and specificity of the position network, at the points that the paper names."""

PATCH_WIDTH, PATCH_SIZE_AUROCS = 16, {19: 0.734, 23: 0.775, 27: 0.783, 31: 0.805, 35: 0.779, 39: 0.763}
"""Figure 7: AUROC of the position network of this width for haemorrhage, by patch size."""

TRAINING_HOURS, INFERENCE_SECONDS = {POSITION: 22}, {POSITION: 90, AUTOENCODER: 2}
"""The text: how long a training took, and the network for one scan."""
