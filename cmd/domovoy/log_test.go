package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// logging writes to a pipe, which is the journal if asJournal is set, and returns the
// lines of it.
func logging(t *testing.T, form string, asJournal bool, say func(*slog.Logger)) []string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	if info, err := w.Stat(); err == nil && asJournal {
		s, _ := info.Sys().(*syscall.Stat_t)
		env["JOURNAL_STREAM"] = fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	}
	p := program{stdio: stdio{err: w}, env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }, bundle: bundled(t), logForm: form}
	p.own = p.bundle.Locale("en", nil)
	say(p.logger(&config.Config{}))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for in := bufio.NewScanner(r); in.Scan(); {
		lines = append(lines, in.Text())
	}
	return lines
}

// TestQuietly: once run has ended, what was cut short by that is no warning; everything
// else is, and before the end everything is.
func TestQuietly(t *testing.T) {
	t.Parallel()
	signalled := errors.New("terminated signal received")
	run, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	var said bytes.Buffer
	log := quietly(run, slog.New(slog.NewTextHandler(&said, nil))).With("panel", "isp1")
	late, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	all := func() {
		said.Reset()
		log.WarnContext(run, "a", "error", fmt.Errorf("reading: %w", run.Err()))
		log.ErrorContext(t.Context(), "b", "error", errors.New("asking: context canceled"))
		log.Error("c", "error", fmt.Sprint("calling: ", signalled))
		log.ErrorContext(run, "d", "error", errors.New("the disk is full"))
		log.ErrorContext(late, "e", "error", late.Err())
		log.Warn("f")
	}
	for _, want := range []string{"abcdef", "def"} {
		all()
		got := ""
		for line := range strings.Lines(said.String()) {
			_, name, _ := strings.Cut(line, "msg=")
			got += name[:1]
		}
		if got != want {
			t.Errorf("said %q, want %q:\n%s", got, want, said.String())
		}
		stop(signalled)
	}
}

// TestTheLogInTheJournal has a priority, which systemd strips, and is JSON. No secret
// is in it.
func TestTheLogInTheJournal(t *testing.T) {
	t.Parallel()
	say := func(log *slog.Logger) {
		log = log.With("panel", "isp1").WithGroup("g")
		log.Error("broken", "error", errors.New("a\nb"), "token", config.NewSecret("123456:AAsecret"))
		log.Warn("odd")
		log.Info("fine")
		log.Debug("hidden")
	}
	lines := logging(t, logAuto, true, say)
	if len(lines) != 3 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for n, want := range []struct{ priority, message, level string }{{"<3>", "broken", "ERROR"}, {"<4>", "odd", "WARN"}, {"<6>", "fine", "INFO"}} {
		text, ok := strings.CutPrefix(lines[n], want.priority)
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil || !ok || got["msg"] != want.message || got["level"] != want.level || got["panel"] != "isp1" {
			t.Errorf("line %q: %v", lines[n], err)
		}
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, "AAsecret") || !strings.Contains(all, `"g":{"error":"a\nb","token":"***"}`) {
		t.Errorf("the error and the secret: %s", all)
	}
	for name, c := range map[string]struct {
		form    string
		journal bool
		begins  string
	}{
		"a file":              {logAuto, false, "time="},
		"JSON in a file":      {logJSON, false, `{"time":`},
		"text in a file":      {logText, false, "time="},
		"text in the journal": {logText, true, "<4>time="},
		"JSON in the journal": {logJSON, true, `<4>{"time":`},
	} {
		if lines := logging(t, c.form, c.journal, func(log *slog.Logger) { log.Warn("odd") }); len(lines) != 1 || !strings.HasPrefix(lines[0], c.begins) {
			t.Errorf("%s: %q, want it to begin with %s", name, lines, c.begins)
		}
	}
}

// TestTheLogInATerminal is for people: the cure stands on a line of its own, and
// nothing in a value moves the cursor.
func TestTheLogInATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(&readable{to: &out, level: slog.LevelInfo, mu: &sync.Mutex{}}).With("panel", "isp1")
	log.Warn("cannot read the panel", "error", errors.New("no \x1b[2J"), "token", config.NewSecret("AAsecret"), "cure", "chown it")
	log.Debug("hidden")
	log.Info("running")
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, line[9:]) // the time
	}
	want := "warn: cannot read the panel  panel=isp1  error=\"no \\x1b[2J\"  token=***\n→ chown it\nrunning  panel=isp1\n"
	if strings.Join(got, "") != want {
		t.Errorf("got  %q\nwant %q", strings.Join(got, ""), want)
	}
}

// TestAnUnknownFormOfTheLog is wrong usage.
func TestAnUnknownFormOfTheLog(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	status := run([]string{"--log", "xml", "version"}, stdio{strings.NewReader(""), &bytes.Buffer{}, &told}, func(string) (string, bool) { return "", false })
	if want := bundled(t).Locale("en", nil).Say("cli.logform", i18n.Args{"Word": "xml"}); status != exitUsage || !strings.Contains(told.String(), want) {
		t.Errorf("status %d: %s", status, &told)
	}
}
