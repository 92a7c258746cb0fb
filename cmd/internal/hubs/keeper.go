package hubs

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"domovoy/bot/fleet"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// program is the hub's own program, so that this one links no server.
const program = "domovoy-hub"

// Errors of a hub that this program starts.
var (
	ErrMissing = errors.New("the program domovoy-hub is neither beside this one nor in PATH")
	ErrPort    = errors.New("another program listens on the port of fleet.listen")
	ErrEnds    = errors.New("the hub ends again and again")
)

// Keeper runs the hub for this program's bot, as the configuration says. The zero
// Keeper has none yet; its owner stops it.
type Keeper struct {
	like string // what of the configuration it was started with; empty: it is not
	stop func()
}

// Follow starts the hub of a configuration, or ends it if that has none. One that runs
// with the same settings goes on, and its agents notice nothing.
func (k *Keeper) Follow(ctx context.Context, cfg *config.Config, log *slog.Logger) {
	like := ""
	if cfg.Fleet.Listen != "" {
		like = strings.Join(append([]string{cfg.Fleet.Listen, cfg.State}, names(cfg)...), " ")
	}
	if like == k.like {
		return
	}
	k.Stop()
	if k.like = like; like == "" {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); (&runner{cfg: cfg, log: log}).run(ctx) }()
	k.stop = func() { cancel(); <-done }
}

// Stop ends the hub, if one runs.
func (k *Keeper) Stop() {
	if k.stop != nil {
		k.stop()
	}
	k.stop, k.like = nil, ""
}

// runner runs the hub as a child process.
type runner struct {
	cfg  *config.Config
	log  *slog.Logger
	told string // what was said last of its failures
}

// A hub that lived for a minute is started again at once; one that does not, later and
// later.
const (
	healthy      = time.Minute
	firstPause   = time.Second
	longestPause = time.Minute
	grace        = 20 * time.Second // for its streams to be on disk
)

// find is where the hub's program is: beside this one, or in PATH.
func find() (string, error) {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), program)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	found, err := exec.LookPath(program)
	if err != nil {
		return "", ErrMissing
	}
	return found, nil
}

// run starts the hub again whenever it ends, until the context does; then it has ended,
// too.
func (k *runner) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := k.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= healthy {
			pause = firstPause
		}
		k.tell(ctx, err, pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// tell says why the hub ended, the same reason once.
func (k *runner) tell(ctx context.Context, err error, pause time.Duration) {
	switch {
	case errors.Is(err, ErrMissing):
	case k.portTaken(ctx):
		err = ErrPort
	case pause > 4*firstPause:
		err = fmt.Errorf("%w: %w", ErrEnds, err)
	}
	if text := err.Error(); text != k.told {
		k.told = text
		k.log.ErrorContext(ctx, "there is no hub, starting it is tried again", "error", err)
	}
}

// portTaken reports whether another program has the port.
func (k *runner) portTaken(ctx context.Context) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", k.cfg.Fleet.Listen)
	if err == nil {
		_ = l.Close()
	}
	return errors.Is(err, syscall.EADDRINUSE)
}

// once runs the hub until it ends; the error says how.
func (k *runner) once(ctx context.Context) error {
	path, err := find()
	if err != nil {
		return err
	}
	if _, err := fleet.BotKey(fleet.Folder(k.cfg.State)); err != nil { // so that a new hub knows the bot from its start
		return fmt.Errorf("the bot's key at its hub: %w", err)
	}
	args := []string{"--dir", fleet.Folder(k.cfg.State), "--listen", k.cfg.Fleet.Listen, "--json", "--child"}
	if all := names(k.cfg); len(all) > 0 {
		args = append(args, "--names", strings.Join(all, ","))
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = grace
	endWithParent(c)
	errs, err := c.StderrPipe()
	if err != nil {
		return err
	}
	if _, err := c.StdinPipe(); err != nil { // its end tells the hub that we are gone, also when we were killed
		return err
	}
	// The kernel ends a child when the thread ends that started it (prctl(2)).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.Start(); err != nil {
		return err
	}
	last := k.copyLog(ctx, errs)
	err = c.Wait()
	if last != "" {
		return errors.New(last)
	}
	return cmp.Or(err, errors.New("it stopped"))
}

// copyLog writes the hub's log into ours. It returns the last error in it.
func (k *runner) copyLog(ctx context.Context, from io.Reader) (last string) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record map[string]any
		if json.Unmarshal(lines.Bytes(), &record) != nil {
			k.log.WarnContext(ctx, "from the hub", "text", lines.Text()) // such as a panic
			last = lines.Text()
			continue
		}
		var level slog.Level
		_ = level.UnmarshalText(fmt.Append(nil, record["level"])) // else it is info
		text := fmt.Sprint(record["msg"])
		attrs := []any{"part", "hub"}
		for key, value := range record {
			if key != "level" && key != "msg" && key != "time" {
				attrs = append(attrs, key, value)
			}
		}
		if level >= slog.LevelError {
			last = fmt.Sprint(text, ": ", record["error"])
			level = slog.LevelWarn // it is told when the hub has ended
		}
		k.log.Log(ctx, level, text, attrs...)
	}
	return last
}

// Cure is what to do about a hub that does not run; empty: the error is another one.
func Cure(l *i18n.Locale, cfg *config.Config, err error) string {
	for _, known := range []struct {
		of  error
		key string
	}{{ErrMissing, "missing"}, {ErrPort, "port"}, {ErrEnds, "ends"}} {
		if errors.Is(err, known.of) {
			return l.Say("cli.hub."+known.key, i18n.Args{"Listen": cfg.Fleet.Listen, "Folder": fleet.Folder(cfg.State)})
		}
	}
	return ""
}
