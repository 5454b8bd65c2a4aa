"""The cluster engine: Spark SQL and DataFrames over Delta, in local mode, on a master or through Connect.

SQL and DataFrames only, because Delta's Python API does not work over Connect. Keys are held by functions, never written into SQL.
"""

from pipelines.engines.spark.engine import SparkEngine

__all__ = ["SparkEngine"]
