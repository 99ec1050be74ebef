"""The pocket base: a tiny Llama of our own, so that everything runs anywhere."""
