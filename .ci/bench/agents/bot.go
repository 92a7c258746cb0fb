package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"domovoy/bot/lab"
)

// chat is where alerts go.
const chat = 1000

// bot is the program under measurement, and its hub.
type bot struct {
	program, config string
	metrics         string // URL
	process         *exec.Cmd
	said            *tail
}

// newBot starts the program with a hub of its own, and waits until it is ready.
func newBot(ctx context.Context, program, folder string, telegram *lab.Telegram) (*bot, error) {
	token, err := write(folder, "token", telegram.Token()+"\n")
	if err != nil {
		return nil, err
	}
	hub, metrics, err := addresses()
	if err != nil {
		return nil, err
	}
	b := &bot{program: program, metrics: "http://" + metrics + "/metrics", said: &tail{}}
	b.config, err = write(folder, "domovoy.yaml", fmt.Sprintf("language: en\ntimezone: UTC\nstate: %s\npanels: []\nresolvers: []\nfleet: {listen: %q}\n"+
		"telegram: {token_file: %s, api_url: %q}\nchats: [{to: \"telegram:%d\", receives: [alerts]}]\nmetrics: {listen: %q}\n",
		filepath.Join(folder, "bot", "domovoy.db"), hub, token, telegram.URL(), chat, metrics))
	if err != nil {
		return nil, err
	}
	if err := b.start(); err != nil {
		return nil, err
	}
	_, err = b.know(ctx, 0, 0)
	return b, err
}

// addresses are two of loopback that nobody listens on.
func addresses() (one, two string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}

func (b *bot) start() error {
	b.process = exec.Command(b.program, "run", "--config", b.config)
	b.process.Stderr = b.said
	return b.process.Start()
}

// stop ends the program and its hub.
func (b *bot) stop() {
	_ = b.process.Process.Signal(syscall.SIGTERM)
	_ = b.process.Wait()
}

func (b *bot) pid() int { return b.process.Process.Pid }

// hub is the process of the hub, a child of the program; 0: there is none now.
func (b *bot) hub() int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", b.pid()))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			pid, _ := strconv.Atoi(fields[0])
			return pid
		}
	}
	return 0
}

// enrol has the program let an agent in, which speaks for the panel of its name, and
// returns its file.
func (b *bot) enrol(name string) (string, error) {
	command := exec.Command(b.program, "fleet", "add", "--config", b.config, name)
	var errs bytes.Buffer
	command.Stderr = &errs
	text, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, errs.String())
	}
	return string(text), nil
}

// know waits until the bot knows so many panels with so many sites each, and returns how
// many sites it knows in all.
func (b *bot) know(ctx context.Context, panels, sites int) (int, error) {
	const most = 20 * time.Minute
	for limit := time.Now().Add(most); time.Now().Before(limit); time.Sleep(200 * time.Millisecond) {
		up, all, err := b.scrape(ctx)
		if err == nil && up >= panels && all >= panels*sites {
			return all, nil
		}
	}
	return 0, errors.New("the bot does not know all panels")
}

// scrape reads how many panels the bot could read, and their sites.
func (b *bot) scrape(ctx context.Context) (up, sites int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.metrics, nil)
	if err != nil {
		return 0, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch {
		case strings.HasPrefix(name, "domovoy_panel_up{"):
			up += int(n)
		case strings.HasPrefix(name, "domovoy_panel_sites{"):
			sites += int(n)
		}
	}
	return up, sites, nil
}

// spent is the CPU time of both processes so far, in milliseconds.
type spent struct{ bot, hub float64 }

func (b *bot) spent() spent { return spent{cpu(b.pid()), cpu(b.hub())} }

// settle waits until both processes, and this one, take little of a processor for three
// seconds: for three minutes at most.
func (b *bot) settle() {
	const step, little = 500 * time.Millisecond, 50 // ms
	all := func() float64 { s := b.spent(); return s.bot + s.hub + cpu(os.Getpid()) }
	for limit, calm := time.Now().Add(3*time.Minute), 0; calm < 6 && time.Now().Before(limit); calm++ {
		before := all()
		time.Sleep(step)
		if all()-before > little {
			calm = -1
		}
	}
}

// resetPeaks begins the peaks of memory again. See proc(5), /proc/pid/clear_refs.
func (b *bot) resetPeaks() {
	for _, pid := range []int{b.pid(), b.hub()} {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o600) // else the peak is that of all numbers
	}
}

// cpu is the CPU time of a process so far in ms; 0 if it is not known. See proc(5),
// /proc/pid/stat, fields 14 and 15 in ticks of a hundredth of a second.
func cpu(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	ticks := 0
	for _, field := range strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))[11:13] { // from field 3 on
		n, _ := strconv.Atoi(field)
		ticks += n
	}
	return float64(ticks) * 10
}

// memory is a line of a process's status in MB; 0 if it is not known.
func memory(pid int, line string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(l, line+":"); ok {
			kb, _ := strconv.Atoi(strings.Fields(value)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

// tail keeps the end of what a program says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 64<<10 {
		t.text = append([]byte(nil), t.text[len(t.text)-16<<10:]...)
	}
	return len(p), nil
}

func (t *tail) tail() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
