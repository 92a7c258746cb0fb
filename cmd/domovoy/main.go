// Command domovoy watches Let's Encrypt certificates on ISPmanager servers
// and reports to the team's chat.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // a minimal host may lack the zones

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
	"domovoy/i18n"
)

// Exit statuses of the contract.
const (
	exitOK      = 0
	exitRefused = 1 // refused or failed
	exitUsage   = 2 // wrong usage or configuration
)

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}, os.LookupEnv))
}

// stdio are the standard streams.
type stdio struct {
	in       io.Reader
	out, err io.Writer // the log and the progress of a sweep go to err at the same time
}

// usageError is a wrong command line or a wrong configuration. It wraps errPrinted
// if its lines have been printed.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }

// errPrinted ends the program with a failure that has been printed.
var errPrinted = errors.New("already printed")

// run is main with its environment as arguments. It returns the exit status.
func run(args []string, io stdio, env func(string) (string, bool)) int {
	bundle, err := i18n.Load()
	if err != nil {
		fmt.Fprintln(io.err, "domovoy:", err)
		return exitRefused
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{stdio: io, env: env, bundle: bundle, own: bundle.Locale(i18n.TerminalLanguage(env), nil)}
	root := p.root()
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errPrinted):
		return exitRefused
	case errors.As(err, &usage):
		if !errors.Is(usage.err, errPrinted) {
			fmt.Fprintln(io.err, "domovoy:", err)
		}
		return exitUsage
	}
	fmt.Fprintln(io.err, "domovoy:", err)
	return exitRefused
}

// version prints the version, the commit and the Go version of this build.
func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: p.own.Say("cli.version"),
		Args:  p.noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.out, build())
			return err
		},
	}
}

// build is the line that "version" and --version print.
func build() string {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	return fmt.Sprintf("domovoy %s%s %s", app.Version(), commit, runtime.Version())
}
