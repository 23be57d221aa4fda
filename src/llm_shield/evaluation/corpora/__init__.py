"""The named corpora, one module each; what is in one is said in ``evaluation.corpus``."""
