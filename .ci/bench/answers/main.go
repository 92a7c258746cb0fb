// Command answers measures how a program answers commands in chats: it starts the
// laboratory's messenger, which enforces the real limits, and a built domovoy, or
// the echo of this folder, lets many people ask at a steady rate, and waits for
// every answer.
//
//	answers DOMOVOY|ECHO slack|telegram RATE SECONDS [PORT]
//
// With PORT, on which the program then answers with its metrics, the panel also
// changes all the time, and what the program holds is printed, too: the median of its
// memory and the least of its goroutines and open files in the second tenth of the time
// and in the last one, as "early_…" and "late_…".
//
// It prints one line of JSON: how many asked and were answered, the median, the
// 99th percentile and the longest time from a question to its answer in
// milliseconds, the CPU milliseconds for an answer from the first question on, of
// the program and of this one, and the program's resident memory in MB after the
// first tenth and at the end.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/checks/lab"
)

// perPerson is how many questions a minute one person asks: below the program's
// own limit. perChat is the same for a chat, whose answers go out one a second.
const (
	perPerson = 15
	perChat   = 45
)

// figures are what is printed.
type figures struct {
	Messenger string  `json:"messenger"`
	Asked     int     `json:"asked"`
	Answered  int     `json:"answered"`
	Median    float64 `json:"median"` // milliseconds, like P99 and Longest
	P99       float64 `json:"p99"`
	Longest   float64 `json:"longest"`
	CPU       float64 `json:"cpu"`   // milliseconds an answer, like Own
	Own       float64 `json:"own"`   // of the asking people and the messenger
	Early     float64 `json:"early"` // MB
	Late      float64 `json:"late"`

	*Held
}

// office is a messenger in which people ask.
type office interface {
	ask(chat, person int, text string)
	answers(chat int) []time.Time // when each message of the program came, oldest first
	config() string
	echo() []string // the arguments that the echo needs: API, state, tokens
	connected(ctx context.Context) error
	Close()
}

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("answers: ", err)
	}
}

func run(args []string) error {
	port := ""
	if len(args) == 5 {
		args, port = args[:4], args[4]
	}
	if len(args) != 4 {
		return errors.New("usage: answers DOMOVOY|ECHO slack|telegram RATE SECONDS [PORT]")
	}
	rate, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "answers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	sample, err := lab.NewSample(folder, time.Now().UTC(), 3, lab.WithoutFiles())
	if err != nil {
		return err
	}
	defer sample.Close()
	chats, people := rate*60/perChat+1, rate*60/perPerson+1
	if args[1] == "telegram" {
		chats = people // each asks in a chat of their own
	}
	place, err := open(args[1], folder, chats, people)
	if err != nil {
		return err
	}
	defer place.Close()
	text := fmt.Sprintf("language: en\ntimezone: UTC\nstate: %[1]s/domovoy.db\npanels: [{name: isp1, database: %[2]s, timezone: UTC, acme: {directory: \"https://127.0.0.1:9/directory\"}}]\n"+
		"resolvers: []\nschedule: {panel: \"@every 5s\", domains: \"@every 1000h\", daily: \"@every 1000h\", weekly: \"@every 1000h\"}\n%[3]s", folder, sample.Panel.Path(), place.config())
	if port != "" {
		text += fmt.Sprintf("metrics: {listen: \"127.0.0.1:%s\"}\n", port)
	}
	config := filepath.Join(folder, "domovoy.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	var said bytes.Buffer
	bot := exec.Command(args[0], "run", "--config", config)
	if filepath.Base(args[0]) == "echo" {
		bot = exec.Command(args[0], append([]string{args[1]}, place.echo()...)...)
	}
	bot.Stderr, bot.Stdout = &said, &said
	if err := bot.Start(); err != nil {
		return err
	}
	var holding *holdings
	if port != "" {
		holding = hold(sample.Panel, port, time.Duration(seconds)*time.Second)
	}
	f, err := measure(place, bot, rate, seconds, chats, people)
	if holding != nil && err == nil {
		err = holding.end(&f)
	}
	_ = bot.Process.Signal(syscall.SIGTERM)
	_ = bot.Wait()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	f.Messenger = args[1]
	return json.NewEncoder(os.Stdout).Encode(f)
}

// measure lets people ask for so many seconds, and waits until all are answered,
// for at most half a minute longer.
func measure(place office, bot *exec.Cmd, rate, seconds, chats, people int) (f figures, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := place.connected(ctx); err != nil {
		return f, err
	}
	settle(bot)
	before := make([]int, chats)
	for c := range chats {
		before[c] = len(place.answers(c))
	}
	words := []string{"status", "list failed", "limits", "why " + "example.org", "list overdue", "help"}
	asked := make([][]time.Time, chats)
	all := rate * seconds
	began, spent, own := time.Now(), cpu(bot.Process.Pid), cpu(os.Getpid())
	for n := range all {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
		c := n % chats
		asked[c] = append(asked[c], time.Now())
		place.ask(c, n%people, words[n%len(words)])
		if n == all/10 {
			f.Early = resident(bot.Process.Pid)
		}
	}
	var took []time.Duration
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		took = took[:0]
		for c := range chats {
			for n, at := range place.answers(c)[before[c]:] {
				if n < len(asked[c]) {
					took = append(took, at.Sub(asked[c][n]))
				}
			}
		}
		if len(took) >= all || time.Now().After(limit) {
			break
		}
	}
	f.Late, f.Asked, f.Answered = resident(bot.Process.Pid), all, len(took)
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(max(1, f.Answered)) }
	f.CPU, f.Own = each(cpu(bot.Process.Pid)-spent), each(cpu(os.Getpid())-own)
	if len(took) > 0 {
		slices.Sort(took)
		ms := func(share float64) float64 {
			return float64(took[min(len(took)-1, int(share*float64(len(took))))].Microseconds()) / 1000
		}
		f.Median, f.P99, f.Longest = ms(0.5), ms(0.99), ms(1)
	}
	return f, nil
}

// settle waits until a program that has just begun has read its panel and said its
// first: until it takes little of a processor for two seconds, for a minute at most.
func settle(bot *exec.Cmd) {
	const step, little = 500 * time.Millisecond, 50 * time.Millisecond
	for limit, calm := time.Now().Add(time.Minute), 0; calm < 4 && time.Now().Before(limit); calm++ {
		before := cpu(bot.Process.Pid)
		time.Sleep(step)
		if cpu(bot.Process.Pid)-before > little {
			calm = -1
		}
	}
}

// cpu is the CPU time of a process so far; 0 if it is not known. See proc(5),
// /proc/pid/stat, fields 14 and 15 in ticks of a hundredth of a second.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from field 3 on
	var ticks int
	for _, field := range fields[11:13] {
		n, _ := strconv.Atoi(field)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// resident is a process's memory in MB; 0 if it is not known.
func resident(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(value)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

func open(messenger, folder string, chats, people int) (office, error) {
	switch messenger {
	case "slack":
		return newSlack(folder, chats, people)
	case "telegram":
		return newTelegram(folder, chats)
	}
	return nil, fmt.Errorf("no messenger is called %q", messenger)
}

// secret writes a token and returns its path.
func secret(folder, name, token string) (string, error) {
	path := filepath.Join(folder, name)
	return path, os.WriteFile(path, []byte(token+"\n"), 0o600)
}

// slackOffice has a channel for each chat.
type slackOffice struct {
	*botlab.Slack
	folder           string
	people           int
	botFile, appFile string
}

func newSlack(folder string, chats, people int) (*slackOffice, error) {
	s, err := botlab.NewSlack(botlab.SlackOptions{Team: "T012345", Strict: true})
	if err != nil {
		return nil, err
	}
	o := &slackOffice{Slack: s, folder: folder, people: people}
	for c := range chats {
		s.AddChannel(botlab.Channel{ID: channel(c), Name: channel(c)})
	}
	for p := range people {
		s.AddPerson(botlab.Person{ID: member(p), Name: member(p)})
	}
	if o.botFile, err = secret(folder, "bot", s.BotToken()); err != nil {
		return nil, err
	}
	o.appFile, err = secret(folder, "app", s.AppToken())
	return o, err
}

func channel(n int) string { return fmt.Sprintf("C%09d", n) }

func member(n int) string { return fmt.Sprintf("U%09d", n) }

func (o *slackOffice) ask(chat, person int, text string) {
	o.Mention(channel(chat), member(person), text, "")
}

func (o *slackOffice) answers(chat int) (at []time.Time) {
	for _, m := range o.Messages(channel(chat)) {
		at = append(at, m.At)
	}
	return at
}

func (o *slackOffice) connected(ctx context.Context) error { return o.WaitConnected(ctx, 1) }

func (o *slackOffice) echo() []string {
	return []string{o.APIURL(), filepath.Join(o.folder, "echo.db"), o.botFile, o.appFile}
}

func (o *slackOffice) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slack: {bot_token_file: %s, app_token_file: %s, api_url: %q}\nchats: [{to: \"slack:%s\", receives: [daily]}]\npeople:\n", o.botFile, o.appFile, o.APIURL(), channel(0))
	for p := range o.people {
		fmt.Fprintf(&b, "  - {id: \"slack:T012345:%s\", role: viewer}\n", member(p))
	}
	return b.String()
}

// telegramOffice has a private chat for each person.
type telegramOffice struct {
	*botlab.Telegram
	folder string
	chats  int
	token  string
}

const firstPerson = 1000

func newTelegram(folder string, chats int) (*telegramOffice, error) {
	t, err := botlab.NewTelegram(botlab.TelegramOptions{Strict: true})
	if err != nil {
		return nil, err
	}
	o := &telegramOffice{Telegram: t, folder: folder, chats: chats}
	o.token, err = secret(folder, "telegram", t.Token())
	return o, err
}

func (o *telegramOffice) ask(chat, _ int, text string) {
	id := int64(firstPerson + chat)
	o.Say(id, 0, id, "Ann", "/"+text)
}

func (o *telegramOffice) answers(chat int) (at []time.Time) {
	for _, m := range o.Messages(int64(firstPerson + chat)) {
		at = append(at, m.At)
	}
	return at
}

func (o *telegramOffice) connected(ctx context.Context) error {
	_, err := o.WaitCalls(ctx, "getUpdates", 1)
	return err
}

func (o *telegramOffice) echo() []string {
	return []string{o.URL(), filepath.Join(o.folder, "echo.db"), o.token}
}

func (o *telegramOffice) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "telegram: {token_file: %s, api_url: %q}\nchats: [{to: \"telegram:%d\", receives: [daily]}]\npeople:\n", o.token, o.URL(), firstPerson)
	for p := range o.chats {
		fmt.Fprintf(&b, "  - {id: \"telegram:%d\", role: viewer}\n", firstPerson+p)
	}
	return b.String()
}
