"""The packages of the distribution: `bundle`, under the name that it is installed by, with `reproduction` in it."""

from setuptools import find_packages, setup

FOLDERS = {"head_ct_position_anomaly": "bundle", "head_ct_position_anomaly.reproduction": "reproduction"}

setup(
    package_dir=FOLDERS,
    packages=[*FOLDERS, *(f"{name}.{inner}" for name, folder in FOLDERS.items() for inner in find_packages(folder))],
)
