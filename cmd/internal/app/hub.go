package app

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
	"domovoy/bot/fleet/trust"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// hubProgram is the hub's own program, so that this one links no server.
const hubProgram = "domovoy-hub"

// Errors of a hub that this program starts.
var (
	ErrHubMissing = errors.New("the program domovoy-hub is neither beside this one nor in PATH")
	ErrHubPort    = errors.New("another program listens on the port of fleet.listen")
	ErrHubEnds    = errors.New("the hub ends again and again")
)

// BotHub is how the bot of a configuration reaches its hub.
func BotHub(cfg *config.Config, log *slog.Logger) (fleet.Config, error) {
	if cfg.Fleet.Listen == "" {
		key, err := fleet.ParseKey(cfg.Fleet.Key.Reveal())
		if err != nil {
			return fleet.Config{}, fmt.Errorf("the key at the hub: %w", err)
		}
		ca, err := cfg.Fleet.CA()
		return fleet.Config{URLs: cfg.Fleet.Addresses(), Name: "bot", Key: key, CA: ca, Log: log}, err
	}
	folder := fleet.Folder(cfg.State)
	key, err := fleet.BotKey(folder)
	if err != nil {
		return fleet.Config{}, fmt.Errorf("the bot's key at its hub: %w", err)
	}
	ca, err := trust.CA(folder)
	if err != nil {
		return fleet.Config{}, fmt.Errorf("the hub's CA: %w", err)
	}
	return fleet.Config{URLs: []string{"tls://" + nearAddress(cfg.Fleet.Listen)}, Name: "bot", Key: key, CA: ca, Log: log, Wait: 5 * time.Second}, nil
}

// nearAddress is where this host reaches what listens on an address.
func nearAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	at := net.ParseIP(host)
	switch {
	case host == "", at != nil && at.IsUnspecified() && at.To4() != nil:
		host = "127.0.0.1"
	case at != nil && at.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// PublicHub is the URL under which agents reach the hub of a configuration; sure is
// false if it is only this host's own name for itself.
func PublicHub(cfg *config.Config) (hub string, sure bool) {
	if cfg.Fleet.Listen == "" {
		return cfg.Fleet.Hub, true
	}
	host, port, err := net.SplitHostPort(cfg.Fleet.Listen)
	if err != nil {
		return "", false
	}
	if public := cfg.Fleet.Public; public != "" {
		if h, p, err := net.SplitHostPort(public); err == nil {
			return "tls://" + net.JoinHostPort(h, p), true
		}
		return "tls://" + net.JoinHostPort(strings.Trim(public, "[]"), port), true
	}
	if at := net.ParseIP(host); at != nil && !at.IsUnspecified() {
		return "tls://" + net.JoinHostPort(host, port), true
	}
	name, err := os.Hostname()
	return "tls://" + net.JoinHostPort(cmp.Or(name, "localhost"), port), err == nil && strings.Contains(name, ".")
}

// hubNames are the names in the hub's certificate besides its addresses.
func hubNames(cfg *config.Config) []string {
	var names []string
	if name, err := os.Hostname(); err == nil && name != "" {
		names = append(names, name)
	}
	if hub, _ := PublicHub(cfg); hub != "" {
		host, _, err := net.SplitHostPort(strings.TrimPrefix(hub, "tls://"))
		if err == nil && !strings.EqualFold(host, cmp.Or(append(names, "")...)) {
			names = append(names, host)
		}
	}
	return names
}

// Hub is the hub that this program runs for its bot, as the configuration says. The
// zero Hub has none yet; its owner stops it.
type Hub struct {
	like string // what of the configuration it was started with; empty: it is not
	stop func()
}

// Follow starts the hub of a configuration, or ends it if that has none. One that runs
// with the same settings goes on, and its agents notice nothing.
func (h *Hub) Follow(ctx context.Context, cfg *config.Config, log *slog.Logger) {
	like := ""
	if cfg.Fleet.Listen != "" {
		like = strings.Join(append([]string{cfg.Fleet.Listen, cfg.State}, hubNames(cfg)...), " ")
	}
	if like == h.like {
		return
	}
	h.Stop()
	if h.like = like; like == "" {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); (&hubKeeper{cfg: cfg, log: log}).run(ctx) }()
	h.stop = func() { cancel(); <-done }
}

// Stop ends the hub, if one runs.
func (h *Hub) Stop() {
	if h.stop != nil {
		h.stop()
	}
	h.stop, h.like = nil, ""
}

// hubKeeper runs the hub as a child process.
type hubKeeper struct {
	cfg  *config.Config
	log  *slog.Logger
	told string // what was said last of its failures
}

// A hub that lived for a minute is started again at once; one that does not, later and
// later.
const (
	hubHealthy   = time.Minute
	hubPause     = time.Second
	hubPauseMost = time.Minute
	hubGrace     = 20 * time.Second // for its streams to be on disk
)

// findHub is where the hub's program is: beside this one, or in PATH.
func findHub() (string, error) {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), hubProgram)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	found, err := exec.LookPath(hubProgram)
	if err != nil {
		return "", ErrHubMissing
	}
	return found, nil
}

// run starts the hub again whenever it ends, until the context does; then it has ended,
// too.
func (k *hubKeeper) run(ctx context.Context) {
	pause := hubPause
	for ctx.Err() == nil {
		began := time.Now()
		err := k.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= hubHealthy {
			pause = hubPause
		}
		k.tell(ctx, err, pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, hubPauseMost)
	}
}

// tell says why the hub ended, the same reason once.
func (k *hubKeeper) tell(ctx context.Context, err error, pause time.Duration) {
	switch {
	case errors.Is(err, ErrHubMissing):
	case k.portTaken(ctx):
		err = ErrHubPort
	case pause > 4*hubPause:
		err = fmt.Errorf("%w: %w", ErrHubEnds, err)
	}
	if text := err.Error(); text != k.told {
		k.told = text
		k.log.ErrorContext(ctx, "there is no hub, starting it is tried again", "error", err)
	}
}

// portTaken reports whether another program has the port.
func (k *hubKeeper) portTaken(ctx context.Context) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", k.cfg.Fleet.Listen)
	if err == nil {
		_ = l.Close()
	}
	return errors.Is(err, syscall.EADDRINUSE)
}

// once runs the hub until it ends; the error says how.
func (k *hubKeeper) once(ctx context.Context) error {
	program, err := findHub()
	if err != nil {
		return err
	}
	if _, err := fleet.BotKey(fleet.Folder(k.cfg.State)); err != nil { // so that a new hub knows the bot from its start
		return fmt.Errorf("the bot's key at its hub: %w", err)
	}
	args := []string{"--dir", fleet.Folder(k.cfg.State), "--listen", k.cfg.Fleet.Listen, "--json", "--child"}
	if names := hubNames(k.cfg); len(names) > 0 {
		args = append(args, "--names", strings.Join(names, ","))
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = hubGrace
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
func (k *hubKeeper) copyLog(ctx context.Context, from io.Reader) (last string) {
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

// hubCure is what to do about a hub that does not run; empty: the error is another one.
func hubCure(l *i18n.Locale, cfg *config.Config, err error) string {
	for _, known := range []struct {
		of  error
		key string
	}{{ErrHubMissing, "missing"}, {ErrHubPort, "port"}, {ErrHubEnds, "ends"}} {
		if errors.Is(err, known.of) {
			return l.Say("cli.hub."+known.key, i18n.Args{"Listen": cfg.Fleet.Listen, "Folder": fleet.Folder(cfg.State)})
		}
	}
	return ""
}
