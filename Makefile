# make demo: install what is needed into .venv, then find the bleed in the sample.   make test: the same, then every check.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,\
	$(shell $(p) -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $(p))))
WORKERS ?= 2
DEMO_OUT ?= out/demo
WEIGHTS_OUT ?= out/weights
BIN := .venv/bin
STAMP := .venv/.installed
# With the plugins of `dev` and these, flake8 sees what it sees in the MONAI model zoo.
ZOO_IGNORES := E203,E501,E704,E741,W503,W504,C408,N812,B023

DEPLOY := .venv-deploy
LABEL ?= .venv-label
ZOO := out/zoo
BROWSER := .browser

.PHONY: help setup demo test test-zoo test-browser test-deploy test-label engines lint types unit fuzz real viewers weights clean

help:
	@echo "make demo   run the sample (a simulated head with a bleed) and draw a picture of the result"
	@echo "make test   ruff, black, isort, flake8, mypy and every test"
	@echo "make fuzz   10,000 mutated slices, 1,000 series and 1,000 NIfTI files for the reader: 10 CPU-minutes"
	@echo "make real   fetch two real heads by package name (12 MB), run them into out/real, print scores and thresholds"
	@echo "make test-zoo   the unit tests for the MONAI model zoo, on one process and on several, in the zoo's layout"
	@echo "make viewers   open DICOM results, also of a tilted series, in OHIF and dcmqi and look at them: 700 MB (VIEWERS=FOLDER for them elsewhere)"
	@echo "make test-browser  the page of a result in a Chromium, which npm brings into $(BROWSER) if none is here: 290 MB"
	@echo "make test-deploy   the application for MONAI Deploy, in an environment of its own, .venv-deploy: 3.2 GB"
	@echo "make test-label    the application for MONAI Label, in another, .venv-label: 4 GB (LABEL=FOLDER for one elsewhere)"
	@echo "make engines   the image, SLURM, CWL and the manifests of apps/, run where they are installed; as root, 12 GB"
	@echo "make weights ANATOMIES=DIR   a bundle whose models are all made anew, from label maps, in out/weights: hours on a CPU"
	@echo "make setup  only what both begin with: .venv with the tested versions"
	@echo "make clean  remove .venv, $(DEPLOY), .venv-label, .viewers, $(BROWSER) and out"

setup: $(STAMP)

# torch comes first and alone: a build that is there already, for a GPU say, is kept if its version fits. Modules are
# compiled when they are first imported: most of the 19,000 never are, and compiling them all took a minute.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 was not found. Name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/head-ct-anomaly demo sample -o $(DEMO_OUT) --overwrite

# mypy has one core for a minute, so it works beside the tests.
test: lint
	$(MAKE) -j2 types unit

# As the zoo's ci/unit_tests: the bundle of the zip in models, and its scripts on Python's path.
test-zoo: $(STAMP)
	rm -rf $(ZOO)
	$(BIN)/head-ct-anomaly dev package -o $(ZOO)
	$(BIN)/python -m zipfile -e $(ZOO)/*.zip $(ZOO)/models
	cd $(ZOO) && for name in "" _dist; do PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=models/head_ct_position_anomaly \
		python "$(CURDIR)/tests/zoo/test_head_ct_position_anomaly$$name.py" || exit 1; done
# In `test` these are skipped unless CHROMIUM names a browser: they take two minutes. Here they are never skipped.
test-browser: $(STAMP)
	$(BIN)/python -c 'from importlib.metadata import version; version("nilearn")'
	chromium="$$(tests/support/chromium.sh $(BROWSER))" && \
		CHROMIUM="$$chromium" OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/results/report/test_browser.py

# Not part of `test`: the SDK is large, and its parts want other versions of what the bundle's tests use.
test-deploy: $(DEPLOY)/.installed
	OMP_NUM_THREADS=1 $(DEPLOY)/bin/python -m pytest -q tests/deploy

$(DEPLOY)/.installed: apps/deploy/requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 was not found. Name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	test -x $(DEPLOY)/bin/python || $(PYTHON) -m venv $(DEPLOY)
	$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' apps/deploy/requirements.txt)"
	$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check -r apps/deploy/requirements.txt pytest
	touch $@

test-label: $(LABEL)/.installed
	OMP_NUM_THREADS=$(WORKERS) $(LABEL)/bin/python -m pytest -q tests/label

$(LABEL)/.installed: apps/label/setup.sh apps/label/requirements.txt apps/label/constraints.txt
	apps/label/setup.sh $(LABEL)
	touch $@

# Logs are in out/engines. IMAGE_OPTIONS are of buildah, for the index of packages say (benchmarks/engines/container.sh);
# DOCKER_OPTIONS, in the environment, are of docker build.
engines: $(STAMP)
	benchmarks/engines/check.sh out/engines $(IMAGE_OPTIONS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/black --quiet --check .
	$(BIN)/isort --quiet --check .
	$(BIN)/flake8 --select B,C,E,F,N,P,T4,W,B9 --max-line-length 120 --ignore $(ZOO_IGNORES) --per-file-ignores '__init__.py: F401' bundle

types: $(STAMP)
	$(BIN)/mypy

# One thread a process, so that the workers don't fight over the cores; where a test takes two, they sleep while they
# wait for each other, since spinning took ten times the work's own time.
# Tests of one group share what they run. A test that hangs has failed after ten minutes.
# Bytecode is kept, whatever the shell says, and beside the checkout's own files: each of the many processes that import
# torch and MONAI would compile them again, which takes 7 of 11 CPU-seconds.
unit: $(STAMP)
	@find out/bytecode -type d -name 'pytest-of-*' -prune -exec rm -rf {} + 2>/dev/null || true
	PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/out/bytecode OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE \
		$(BIN)/pytest -n $(WORKERS) --dist loadgroup --timeout 600 --timeout-method signal -q

FUZZ := OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/fuzzing.py
fuzz: $(STAMP)
	$(FUZZ) series 1000
	$(FUZZ) nifti 1000
	$(FUZZ) enhanced 1000
	$(FUZZ) slices 10000

# Two heads in the source archive of a package of the index; its sha256 is checked. Of them, slices alone are
# committed, as pictures of the docs.
real: $(STAMP)
	$(BIN)/python benchmarks/real.py -o out/real

# What OHIF, in a browser, and dcmqi make of the DICOM objects of the sample, and of a series under gantry tilt; pictures
# are in out/viewers/pictures and out/viewers/tilted/pictures.
VIEWERS ?= .viewers
JUDGE := OMP_NUM_THREADS=$(WORKERS) $(BIN)/head-ct-anomaly run --dicom --overwrite --quiet
CHECK := $(BIN)/python benchmarks/viewers/check.py
viewers: $(STAMP) $(VIEWERS)/.installed
	$(JUDGE) sample/dicom -o out/viewers/results
	$(CHECK) sample/dicom out/viewers/results $(VIEWERS) -o out/viewers --side right
	$(BIN)/python benchmarks/viewers/tilted.py out/viewers/tilted/scan left
	$(JUDGE) out/viewers/tilted/scan -o out/viewers/tilted/results
	$(CHECK) out/viewers/tilted/scan out/viewers/tilted/results $(VIEWERS) -o out/viewers/tilted --side left

$(VIEWERS)/.installed: benchmarks/viewers/set_up.sh
	benchmarks/viewers/set_up.sh $(VIEWERS)

# What ships, from nothing: WEIGHTS_OUT/bundle, a copy of the bundle whose models are all made anew, each by those that
# were made before it: the reference head and the mean surface of the skull, the locator (plain heads first, then widened
# ones), the position network (small patches first, which learn faster, then larger ones), the density network, what is
# normal, and the noise of repeated scans.  Stopped, it goes on where it was.  The variables try the commands out: fewer
# epochs, iterations, drawn heads and scans.  DEVICE=cuda trains on a GPU.
DEVICE ?= auto
LOCATOR_EPOCHS ?= 24
WIDENED_EPOCHS ?= 36
SMALL_EPOCHS ?= 120
EPOCHS ?= 100
EVIDENCE_EPOCHS ?= 90
ITERATIONS ?=
HEADS ?=
HEALTHY ?= 84
SKULLS ?= 64
REPEATED ?= 10
TRAINED := $(WEIGHTS_OUT)/trained
BUILT := $(WEIGHTS_OUT)/bundle
MODELS := $(BUILT)/models
REPEATS := $(WEIGHTS_OUT)/repeats
# Heads to calibrate on: no network learnt from them.
UNSEEN ?= head_09,head_10,head_11,head_12,head_13,head_14
# Heads to calibrate the skull on beside them: no network judges it.
SEEN ?= head_01,head_02,head_03,head_04,head_05,head_06,head_07,head_08
BUILD := $(BIN)/python $(BUILT)
TRAIN := $(BIN)/python -m monai.bundle run --bundle_root $(BUILT) --dataset_dir $(ANATOMIES) \
	$(if $(filter-out auto,$(DEVICE)),--device '$$torch.device("$(DEVICE)")') \
	$(if $(ITERATIONS),--iterations_per_epoch $(ITERATIONS)) \
	$(if $(HEADS),--validation_heads_per_anatomy $(HEADS))
OVERLAY = --config_file "['$(BUILT)/configs/train.json','$(BUILT)/configs/$(1)']"
FEW_PLANTED := $(if $(HEADS),--healthy_heads $(HEADS) --heads_per_kind $(HEADS) --heads_per_anatomy $(HEADS))
weights: $(STAMP) $(MODELS)/locator.pt $(MODELS)/model.pt $(MODELS)/evidence.pt
	$(BUILD) dev manifest
	$(BUILD) calibrate --simulate $(ANATOMIES) --count $(HEALTHY) --seed 9000 --variety widened -o $(MODELS) \
		--work $(WEIGHTS_OUT)/healthy --names $(UNSEEN) --skull-names $(SEEN) --skull-count $(SKULLS) \
		--workers $(WORKERS) --device $(DEVICE)
	BUNDLE=$(BUILT) $(BIN)/python benchmarks/repeats.py draw $(ANATOMIES) -o $(REPEATS) --count $(REPEATED) \
		--device $(DEVICE)
	BUNDLE=$(BUILT) $(BIN)/python benchmarks/repeats.py measure $(REPEATS) --noise $(MODELS)/repeat_noise.json
	$(BUILD) dev manifest
	@echo "$(BUILT) is a bundle of its own: python $(BUILT) run SCAN -o OUT"

.PHONY: anatomies
anatomies:
	@test -d "$(ANATOMIES)" || { echo "Name the folder of label maps: make weights ANATOMIES=DIR" >&2; exit 1; }

$(BUILT): | $(STAMP) anatomies
	rm -rf $@.partial
	mkdir -p $(WEIGHTS_OUT)
	cp -R bundle $@.partial
	rm -f $@.partial/models/*
	$(BIN)/python $@.partial dev manifest
	mv $@.partial $@

# The file that is written last.
$(MODELS)/skull_normative.npz: | $(BUILT)
	$(BUILD) dev reference $(ANATOMIES) -o $(MODELS)

$(MODELS)/locator.pt: | $(MODELS)/skull_normative.npz
	$(TRAIN) $(call OVERLAY,locator.json) --output_dir $(TRAINED)/locator_plain --max_epochs $(LOCATOR_EPOCHS)
	$(TRAIN) $(call OVERLAY,locator.json) --output_dir $(TRAINED)/locator --max_epochs $(WIDENED_EPOCHS) --seed 3 \
		--variety widened --start_weights $(TRAINED)/locator_plain/locator.pt
	$(BUILD) export $(TRAINED)/locator --config locator.json -o $@

$(MODELS)/model.pt: | $(MODELS)/skull_normative.npz
	$(TRAIN) --config_file $(BUILT)/configs/train.json --output_dir $(TRAINED)/small --patch_size 31 --crop_size 63 \
		--max_epochs $(SMALL_EPOCHS)
	$(TRAIN) --config_file $(BUILT)/configs/train.json --output_dir $(TRAINED)/large --max_epochs $(EPOCHS) --seed 2 \
		--start_weights "$(TRAINED)/small/checkpoint_epoch=$(SMALL_EPOCHS).pt"
	$(BUILD) export $(TRAINED)/large -o $@

$(MODELS)/evidence.pt: | $(MODELS)/skull_normative.npz
	$(TRAIN) $(call OVERLAY,density_train.json) --output_dir $(TRAINED)/evidence --max_epochs $(EVIDENCE_EPOCHS) \
		$(FEW_PLANTED)
	$(BUILD) export $(TRAINED)/evidence --config density_train.json -o $@

clean:
	rm -rf .venv $(DEPLOY) .venv-label .viewers $(BROWSER) out
