// Command domovoy-hub is the hub of a fleet: a NATS server with JetStream that knows
// the agents that "domovoy fleet add" enrolled. "domovoy run" starts it when its
// configuration has fleet.listen; it can also be a service of its own.
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
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"domovoy/bot/fleet/hub"
)

// Exit statuses, as those of domovoy.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// options are the command line.
type options struct {
	config hub.Config
	child  bool
	json   bool
}

// run is main with its environment as arguments. It returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(errs, "domovoy-hub:", err)
		return exitUsage
	}
	form := slog.Handler(slog.NewTextHandler(errs, nil))
	if o.json {
		form = slog.NewJSONHandler(errs, nil)
	}
	o.config.Log = slog.New(form)
	debug.SetGCPercent(50) // a hub lives beside a panel
	h, err := hub.Start(ctx, o.config)
	if err != nil {
		o.config.Log.Error("the hub does not start", "error", err.Error())
		return exitFailed
	}
	defer h.Stop()
	if o.child {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() { defer end(); _, _ = io.Copy(io.Discard, in) }() // it ends when the parent does, however that ends
	}
	o.config.Log.Info("the hub listens", "address", h.Addr().String())
	fmt.Fprintln(out, h.Addr()) // for who starts it with port 0
	<-ctx.Done()
	return exitOK
}

func parse(args []string, errs io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("domovoy-hub", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&o.config.Folder, "dir", "", "`folder` of the hub: its CA, its users and its streams")
	flags.StringVar(&o.config.Listen, "listen", "", "`address` and port to listen on, such as 0.0.0.0:4222")
	names := flags.String("names", "", "`names` and addresses under which agents reach the hub, with commas between them")
	flags.Int64Var(&o.config.MaxStore, "max-store", 0, "`bytes` of the streams on disk; 0: half of what is free, at most 10 GiB")
	flags.BoolVar(&o.json, "json", false, "write the log as JSON")
	flags.BoolVar(&o.child, "child", false, "end when the standard input ends")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	case o.config.Folder == "" || o.config.Listen == "":
		return o, errors.New("--dir and --listen are needed; domovoy-hub --help lists the rest")
	}
	o.config.Folder, err = filepath.Abs(o.config.Folder)
	for name := range strings.SplitSeq(*names, ",") {
		if name != "" {
			o.config.Names = append(o.config.Names, name)
		}
	}
	return o, err
}
