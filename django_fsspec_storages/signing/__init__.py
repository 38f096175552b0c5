"""URL signers as pure functions: values and a time in, a URL out. No network, no SDK, no Django."""
