"""Data, training and export of models for the SN34 miner."""
