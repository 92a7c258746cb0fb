// Command agents is a fleet on one host: a built domovoy with its hub, the laboratory's
// messenger, and many agents, each with a panel of its own, which read it and speak the
// fleet's protocol with the code of the real one:
//
//	agents DOMOVOY TEMPLATE SECONDS EVERY AGENTS...
//
// TEMPLATE is a panel's database. Each agent has a copy with names of its own, and reads
// it every so many seconds, each at another moment. AGENTS are how many there are: after each
// number what the bot and its hub take is measured, at rest for so many SECONDS and while
// one agent's certificates are all issued again. At the last number every panel changes
// once so that an alert is due, and the bot is started again.
//
// It prints a figure a line, "50.bot.memory 812.4": CPU is in milliseconds, memory in MB,
// times are in seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"domovoy/bot/lab"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("agents: ", err)
	}
}

// figures are what is printed of one number of agents.
type figures struct {
	agents   int
	sites    int     // of all panels
	joined   int     // agents that came
	join     float64 // seconds until the bot had read their panels
	bot, hub taken
}

// taken is what a process took.
type taken struct {
	join    float64 // CPU ms
	rest    float64 // CPU ms a minute
	reissue float64 // CPU ms, beyond what it takes at rest
	memory  float64 // MB at rest
	peak    float64 // MB, the most since the number before
}

func (f figures) print() {
	show := func(name string, value any) { fmt.Printf("%d.%s %v\n", f.agents, name, value) }
	show("sites", f.sites)
	show("joined", f.joined)
	show("join", f.join)
	for name, t := range map[string]taken{"bot": f.bot, "hub": f.hub} {
		show(name+".join", t.join)
		show(name+".rest", t.rest)
		show(name+".reissue", t.reissue)
		show(name+".memory", t.memory)
		show(name+".peak", t.peak)
	}
}

// printTimes prints the median and the 99th percentile of times, of which the shortest
// is the first.
func printTimes(name string, seconds []float64) {
	at := func(share float64) float64 { return seconds[min(len(seconds)-1, int(share*float64(len(seconds))))] }
	fmt.Printf("%s.p50 %v\n%s.p99 %v\n", name, at(0.5), name, at(0.99))
}

func run(args []string) error {
	if len(args) < 5 {
		return errors.New("usage: agents DOMOVOY TEMPLATE SECONDS EVERY AGENTS...")
	}
	var numbers []int
	for _, arg := range args[2:] {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	seconds, every, numbers := time.Duration(numbers[0])*time.Second, time.Duration(numbers[1])*time.Second, numbers[2:]
	if !slices.IsSorted(numbers) {
		return errors.New("the numbers of agents must rise")
	}
	folder, err := os.MkdirTemp("", "agents")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	telegram, err := lab.NewTelegram(lab.TelegramOptions{})
	if err != nil {
		return err
	}
	defer telegram.Close()
	telegram.AddChat(lab.Chat{ID: chat, Title: "ops"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := newBot(ctx, args[0], folder, telegram)
	if err != nil {
		return err
	}
	f := &town{bot: b, folder: folder, template: args[1], telegram: telegram, rest: seconds, every: every}
	err = f.all(ctx, numbers)
	cancel()
	f.running.Wait()
	b.stop()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, b.said.tail())
	}
	return nil
}

// all measures the fleet at each number of agents.
func (f *town) all(ctx context.Context, numbers []int) error {
	for _, n := range numbers {
		one, err := f.measure(ctx, n)
		if err != nil {
			return err
		}
		one.print()
	}
	alerts, read, err := f.change(ctx)
	if err != nil {
		return err
	}
	fmt.Println("alerts", len(alerts))
	printTimes("alert", alerts)
	printTimes("read", read)
	if f.rest > lookTakes { // else it is not worth the wait
		time.Sleep(time.Until(nextLook()) - time.Second)
		before := f.bot.spent()
		time.Sleep(lookTakes)
		fmt.Println("look", f.bot.spent().bot-before.bot)
	}
	return f.again(ctx)
}

// lookTakes is longer than the bot takes for its own look at all panels.
const lookTakes = 20 * time.Second

// nextLook is when the bot looks at all panels next by the schedule that ships, whether
// anything is new or not.
func nextLook() time.Time { return time.Now().Truncate(5 * time.Minute).Add(5 * time.Minute) }

// restful is how long the bot takes at most to notice that it rests: it looks every five
// seconds.
const restful = 11 * time.Second

// measure has so many agents, and measures bot and hub.
func (f *town) measure(ctx context.Context, number int) (one figures, err error) {
	one = figures{agents: number, joined: number - len(f.agents)}
	f.bot.resetPeaks()
	begun, before := time.Now(), f.bot.spent()
	for len(f.agents) < number {
		if err := f.enrol(ctx); err != nil {
			return one, err
		}
	}
	if one.sites, err = f.bot.know(ctx, number, f.sites); err != nil {
		return one, err
	}
	one.join = time.Since(begun).Seconds()
	f.bot.settle()
	joined := f.bot.spent()
	one.bot.join, one.hub.join = joined.bot-before.bot, joined.hub-before.hub
	time.Sleep(restful)
	one.bot.memory, one.hub.memory = memory(f.bot.pid(), "VmRSS"), memory(f.bot.hub(), "VmRSS")
	if looks := time.Until(nextLook()); looks < f.rest+lookTakes { // that is measured apart
		time.Sleep(looks + lookTakes)
	}
	before = f.bot.spent()
	time.Sleep(f.rest)
	rested := f.bot.spent()
	perMinute := float64(time.Minute) / float64(f.rest)
	one.bot.rest, one.hub.rest = (rested.bot-before.bot)*perMinute, (rested.hub-before.hub)*perMinute
	begun, before = time.Now(), f.bot.spent()
	last := f.agents[len(f.agents)-1]
	if err := last.reissue(ctx); err != nil {
		return one, err
	}
	if err := last.await(ctx); err != nil {
		return one, err
	}
	f.bot.settle()
	issued, minutes := f.bot.spent(), time.Since(begun).Minutes()
	one.bot.reissue, one.hub.reissue = issued.bot-before.bot-minutes*one.bot.rest, issued.hub-before.hub-minutes*one.hub.rest
	one.bot.peak, one.hub.peak = max(one.bot.memory, memory(f.bot.pid(), "VmHWM")), max(one.hub.memory, memory(f.bot.hub(), "VmHWM"))
	return one, nil
}

// again starts the bot again, and measures that.
func (f *town) again(ctx context.Context) error {
	f.bot.stop()
	begun := time.Now()
	if err := f.bot.start(); err != nil {
		return err
	}
	if _, err := f.bot.know(ctx, len(f.agents), f.sites); err != nil {
		return err
	}
	seconds := time.Since(begun).Seconds()
	f.bot.settle()
	time.Sleep(restful)
	pid := f.bot.pid()
	fmt.Printf("restart.seconds %v\nrestart.cpu %v\nrestart.memory %v\nrestart.peak %v\n", seconds, cpu(pid), memory(pid, "VmRSS"), memory(pid, "VmHWM"))
	return nil
}

// write writes a file that only its owner reads.
func write(folder, name, text string) (string, error) {
	path := filepath.Join(folder, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
