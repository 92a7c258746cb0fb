// Package unit has the systemd unit of the service: the package installs it as it is,
// and setup writes it where no package did.
package unit

import (
	_ "embed"
	"strings"
)

//go:embed domovoy.service
var service string

// Where the unit as it stands expects the program and its configuration.
const (
	Program = "/usr/bin/domovoy"
	Config  = "/etc/domovoy/config.yaml"
)

// Service returns the unit of a program and a configuration by their full paths.
func Service(program, config string) string {
	run := word(program) + " run"
	if config != Config {
		run += " --config " + word(config)
	}
	return strings.NewReplacer(Program+" run", run, Config, word(config)).Replace(service)
}

// word quotes a path for a command line of a unit (systemd.service(5), "Command
// lines"; systemd.unit(5), "Specifiers").
func word(path string) string {
	path = strings.NewReplacer("%", "%%", "$", "$$").Replace(path)
	if strings.ContainsAny(path, " \t'\"\\") {
		path = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
	}
	return path
}
