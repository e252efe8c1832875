"""The clock's side of dialing: events become domain steps, commands become link and store calls."""
