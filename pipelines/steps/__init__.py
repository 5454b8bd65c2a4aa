"""The steps, in the order of the way: ingest, refine, serve, publish, register; withdraw and replay beside them.

Each is a plain function of (way, contract, state) that says what to do; pipelines/protocol.py does it.
"""
