package config

import (
	"errors"

	"domovoy/checks/ispmanager/location"
)

// readDatabase takes where a panel's database is. A text with a password is
// shown nowhere.
func readDatabase(f field, v scalar) (any, *problem) {
	at, err := location.Parse(v.text)
	var fault *location.Fault
	switch {
	case err == nil && at.Path != "":
		return at.Path, nil
	case err == nil:
		return v.text, nil
	case !errors.As(err, &fault):
		return nil, wrong("database", f.args(v))
	}
	args := f.args(v)
	args["Part"] = fault.Part
	switch fault.Kind {
	case "password":
		return nil, wrong("database.password", args)
	case "part":
		return nil, wrong("database.part", args)
	case "option":
		args["Part"] = printable(fault.Part)
		return nil, wrong("database.option", args)
	}
	return nil, wrong("database", args)
}
