package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"domovoy/reports"
)

// screen collects the output of a terminal, and tests can wait for a part of it.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newScreen() *screen { return &screen{changed: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits until all of want appear, in that order.
func (s *screen) await(t *testing.T, want ...string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		text := s.text.String()
		s.mu.Unlock()
		if inOrder(text, want) {
			return
		}
		select {
		case <-s.changed:
		case <-limit:
			t.Fatalf("%q never came; the terminal has %q", want, text)
		}
	}
}

func inOrder(text string, want []string) bool {
	for _, w := range want {
		_, rest, ok := strings.Cut(text, w)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// runTerminal runs a console and sends each line to the channel.
func runTerminal(t *testing.T, c *Console) (<-chan string, <-chan error) {
	t.Helper()
	lines, ended := make(chan string, 10), make(chan error, 1)
	go func() {
		ended <- c.Run(t.Context(), func(_ context.Context, line string) (reports.Message, error) {
			lines <- line
			return reports.Message{Title: "heard: " + line}, nil
		})
	}()
	return lines, ended
}

func TestTerminalKeepsAHalfTypedLine(t *testing.T) {
	in, keys := io.Pipe()
	out := newScreen()
	c := New(in, out, bundle(t), Options{Terminal: true, Width: 60})
	lines, ended := runTerminal(t, c)
	out.await(t, "domovoy> ")
	fmt.Fprint(keys, "проверь sho")
	out.await(t, "sho")
	if _, err := c.Send(t.Context(), Chat(), "", samples()["plan.en"]); err != nil {
		t.Fatal(err)
	}
	out.await(t, "[1] Cancel 14")
	fmt.Fprint(keys, "p.ru\r")
	if line := <-lines; line != "проверь shop.ru" {
		t.Errorf("heard %q", line)
	}
	out.await(t, "heard: проверь shop.ru")
	fmt.Fprint(keys, "1\r")
	if line := <-lines; line != "confirm 7f3a" {
		t.Errorf("button 1 gave %q", line)
	}
	fmt.Fprint(keys, "\x1b[A\x1b[A\r") // up, up
	if line := <-lines; line != "проверь shop.ru" {
		t.Errorf("history gave %q", line)
	}
	fmt.Fprint(keys, "\x04") // Ctrl-D
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestCtrlCEnds(t *testing.T) {
	in, keys := io.Pipe()
	c := New(in, io.Discard, bundle(t), Options{Terminal: true})
	_, ended := runTerminal(t, c)
	fmt.Fprint(keys, "half a li\x03")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// pty opens a pseudo-terminal of the system.
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestRealTerminalIsRestored(t *testing.T) {
	master, slave := pty(t)
	before, err := term.GetState(int(slave.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	out := newScreen()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(out, master)
	}()
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 30}); err != nil {
		t.Fatal(err)
	}
	c := New(slave, slave, bundle(t), Options{Terminal: true})
	ended := make(chan error, 1)
	go func() {
		ended <- c.Run(t.Context(), func(context.Context, string) (reports.Message, error) {
			if state, err := term.GetState(int(slave.Fd())); err != nil || *state != *before {
				t.Errorf("a command runs in raw mode (%v): Ctrl-C would do nothing", err)
			}
			return samples()["alert.ru"], nil
		})
	}()
	out.await(t, "domovoy> ")
	fmt.Fprint(master, "alert\r")
	out.await(t, "сертификатов (порог 100)\r", "domovoy> ") // wrapped at 30 columns
	// The terminal is in raw mode only now: before, the line discipline would
	// handle Ctrl-D.
	fmt.Fprint(master, "\x04")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if after, err := term.GetState(int(slave.Fd())); err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v", err)
	}
	slave.Close()
	<-copied
}
