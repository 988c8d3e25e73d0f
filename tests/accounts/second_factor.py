"""What a person signs in with: the password of every account of the tests, and the key of a device."""

PASSWORD = "a-long-passphrase"
SECRET = "3132333435363738393031323334353637383930"
