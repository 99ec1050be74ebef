"""What a server is shown, and where it comes from: passwords, tokens, the keychain, OAuth."""
