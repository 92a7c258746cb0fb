package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version says what was built, from what.
func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: p.own.Say("cli.version"),
		Args:  p.noArgs,
		RunE: func(*cobra.Command, []string) error {
			version, commit := "(devel)", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				if info.Main.Version != "" {
					version = info.Main.Version
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						commit = " " + s.Value
					}
				}
			}
			_, err := fmt.Fprintf(p.out, "domovoy %s%s %s\n", version, commit, runtime.Version())
			return err
		},
	}
}
