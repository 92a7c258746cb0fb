// Command demo shows Domovoy's main job on a sample panel: a digest, an alert,
// then answers to commands. It needs no configuration and no network: the sites'
// DNS, registries, web servers and CA are in this process, on loopback addresses.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"

	_ "time/tzdata" // a minimal host may lack the zones

	"domovoy/i18n"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its environment as arguments. It returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errors io.Writer) int {
	bundle, err := i18n.Load()
	if err != nil {
		fmt.Fprintln(errors, "demo:", err)
		return 1
	}
	options, code := parse(args, bundle, errors)
	if code >= 0 {
		return code
	}
	if err := play(ctx, options, bundle, in, out); err != nil && ctx.Err() == nil {
		fmt.Fprintln(errors, "demo:", err)
		return 1
	}
	return 0
}

// options are the flags, and the log that -v turns on.
type options struct {
	language string
	verbose  bool
	plain    bool // no colours (https://no-color.org)
	log      *slog.Logger
}

// parse reads the flags. A code of 0 or more is an exit status.
func parse(args []string, bundle *i18n.Bundle, out io.Writer) (options, int) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(out)
	o := options{}
	_, o.plain = os.LookupEnv("NO_COLOR")
	flags.StringVar(&o.language, "lang", i18n.TerminalLanguage(os.LookupEnv), "language: "+strings.Join(bundle.Languages(), " or "))
	flags.BoolVar(&o.verbose, "v", false, "show the log")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, 0
		}
		return o, 2
	}
	if !slices.Contains(bundle.Languages(), o.language) || flags.NArg() > 0 {
		fmt.Fprintln(out, "demo: usage: demo [-lang "+strings.Join(bundle.Languages(), "|")+"] [-v]")
		return o, 2
	}
	o.log = slog.New(slog.DiscardHandler)
	if o.verbose {
		o.log = slog.New(slog.NewTextHandler(out, nil))
	}
	return o, -1
}
