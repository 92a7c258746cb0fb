package commands_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// Every number of the digest, the weekly report with its files, status and the
// messages about a first look is as long as the list that belongs to it, on random
// panels with random journals, in both languages. The test finds the numbers itself,
// by the texts that they are arguments of: a new one without a list fails.
func TestEachNumberHasItsList(t *testing.T) {
	marked := markedBundle(t)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, request := randomHouse(t, rand.New(rand.NewPCG(seed, 11)))
				n := numbers{T: t, engine: e, request: request, lengths: map[string]int{}}
				thisWeek := "report weekly " + reports.WeekOf(request.Now, time.UTC).Name()
				for _, ask := range []string{"status", "status server=beta", "report daily", "report weekly", thisWeek} {
					for _, language := range []string{"en", "ru"} {
						n.ask(ask, marked.Locale(language, time.UTC))
						m := n.ask(ask, e.People.In(language))
						if strings.HasPrefix(ask, "report weekly") {
							n.files(m)
						}
					}
				}
				n.request.Chat = manager
				n.files(n.ask(thisWeek, e.People.In("ru")))
				n.ask(thisWeek, marked.Locale("en", time.UTC))
				n.firstLooks(marked)
				if len(n.lengths) < 60 {
					t.Errorf("only %d lists were opened", len(n.lengths))
				}
			})
		})
	}
}

// numbers compares the numbers of messages with lists.
type numbers struct {
	*testing.T
	engine  *engine.Engine
	request bot.Request
	lengths map[string]int // of the lists that were opened in this chat, by their commands
}

// ask asks for a message in a language, and checks each of its numbers.
func (n *numbers) ask(ask string, l *i18n.Locale) reports.Message {
	n.Helper()
	n.request.Locale = l
	answer, err := n.engine.Commands.Do(n.Context(), ask, n.request)
	if err != nil {
		n.Fatalf("%s: %v", ask, err)
	}
	n.message(ask, answer.Message)
	return answer.Message
}

// message checks that each number of a message is as long as its list, that each of
// its buttons opens a list, and, if its arguments are marked, that it says no other
// number.
func (n *numbers) message(ask string, m reports.Message) {
	n.Helper()
	for _, x := range m.Numbers {
		if length := n.length(x.Command); length != x.N {
			n.Errorf("%s says %q: %d, and %q lists %d", ask, x.Label, x.N, x.Command, length)
		}
		if x.N > 0 && !reachable(m, x.Command) {
			n.Errorf("%s has no button for %q (%d)", ask, x.Command, x.N)
		}
	}
	for _, a := range m.Actions {
		if strings.HasPrefix(a.Command, "list ") && !slices.ContainsFunc(m.Numbers, func(x reports.Number) bool { return x.Command == a.Command }) {
			n.Errorf("%s has the button %q, and no such number", ask, a.Command)
		}
	}
	if strings.Contains(m.Title, "⟦") {
		n.said(ask, m)
	}
}

// reachable reports whether a message has a button that opens a list, or the status
// of the list's panel, which has one.
func reachable(m reports.Message, command string) bool {
	panel := regexp.MustCompile(`server=\S+`).FindString(command)
	return slices.ContainsFunc(m.Actions, func(a reports.Action) bool {
		return a.Command == command || panel != "" && a.Command == "status "+panel
	})
}

// length is how many rows a command lists.
func (n *numbers) length(command string) int {
	n.Helper()
	key := n.request.Chat.String() + command
	if length, ok := n.lengths[key]; ok {
		return length
	}
	answer, err := n.engine.Commands.Do(n.Context(), command, n.request)
	if err != nil {
		n.Errorf("%q opens nothing: %v", command, err)
		return -1
	}
	list, _ := answer.Data.(commands.ListData)
	if len(list.Items) != list.Total {
		n.Errorf("%q lists %d of %d", command, len(list.Items), list.Total)
	}
	n.lengths[key] = list.Total
	return list.Total
}

// noLists are the numbers that are the length of no list, by the texts that say
// them, with the reason. The last word may be left out.
var noLists = map[string]string{
	"date": "a date", "age": "a duration", "days": "a duration", "weekly.title": "a date",
	"daily.moved.Change": "the new less the fixed", "weekly.moved.Change": "the new less the fixed and the removed", "trend": "a difference",
	"metric.threshold": "a setting", "status.learned": "what a setting was learned from",
	"daily.limit": "orders, as limits has them", "limits.next": "a rule of the CA",
	"weekly.more":  "the rest of a customer's sites, all of which are in the list of the heading",
	"status.value": "a row of the panel's database", "status.waiting": "messages, not sites",
}

func hasNoList(key string) bool {
	for part := key; part != ""; part = part[:max(0, strings.LastIndexByte(part, '.'))] {
		if noLists[part] != "" {
			return true
		}
	}
	return false
}

// number is the text of an argument that is a number, grouped as in either language.
var number = regexp.MustCompile(`^[+−±]?[0-9][0-9,.\x{A0}\x{202F}]*\x{A0}?%?$`)

// said compares the numbers in the text of a message with those that it names: the
// same ones in the same order.
func (n *numbers) said(ask string, m reports.Message) {
	n.Helper()
	var counts []int
	for _, text := range allText(m) {
		all, outside := marks(text)
		if digits.MatchString(outside) {
			n.Errorf("%s says a number that is no argument of a text: %q", ask, text)
		}
		for _, x := range all {
			switch {
			case hasNoList(x.key):
			case number.MatchString(x.text):
				counts = append(counts, plainNumber(x.text))
			case digits.MatchString(x.text):
				n.Errorf("%s: the argument %s of a text has a number in it: %q", ask, x.key, x.text)
			}
		}
	}
	var named []int
	for _, x := range m.Numbers {
		named = append(named, x.N)
	}
	if !slices.Equal(counts, named) {
		n.Errorf("%s says the numbers %v, and has lists for %v:\n%s", ask, counts, named, strings.Join(allText(m), "\n"))
	}
}

// plainNumber is a number as a message says it: 1,204; -1: it is none.
func plainNumber(text string) int {
	n, err := strconv.Atoi(strings.NewReplacer(",", "", "\u00a0", "", "\u202f", "").Replace(text))
	if err != nil {
		return -1
	}
	return n
}

// firstLooks checks the messages about a panel's first reading, and about checks that
// look at it for the first time.
func (n *numbers) firstLooks(marked *i18n.Bundle) {
	n.Helper()
	servers, err := n.engine.Watch.Servers(n.Context(), n.request.Now)
	if err != nil {
		n.Fatal(err)
	}
	changes := []reports.Change{{Kind: reports.Baseline, Incident: reports.Incident{Finding: checks.Finding{Site: "x", Code: checks.CertMissing, Severity: checks.Critical}}}}
	for _, language := range marked.Languages() {
		w := compose.Writer{Locale: marked.Locale(language, time.UTC), Now: n.request.Now}
		for _, s := range servers {
			n.message("the baseline", compose.Baseline(w, s))
			first, _ := compose.Begun(w, s, changes, reports.Beginning{Checks: []string{"certificate"}})
			n.message("a first look", first)
		}
	}
}

// The differences are those of the numbers beside them.
func TestDifferencesAddUp(t *testing.T) { synctest.Test(t, differencesAddUp) }

func differencesAddUp(t *testing.T) {
	e, request := randomHouse(t, rand.New(rand.NewPCG(1, 12)))
	request.Locale = markedBundle(t).Locale("en", time.UTC)
	for ask, key := range map[string]string{"report daily": "daily.moved", "report weekly " + reports.WeekOf(request.Now, time.UTC).Name(): "weekly.moved"} {
		answer, err := e.Commands.Do(t.Context(), ask, request)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, text := range allText(answer.Message) {
			all, _ := marks(text)
			for _, x := range all {
				values[x.key] = x.text
			}
		}
		left := 0
		if values["weekly.left.N"] != "" && key == "weekly.moved" {
			left = plainNumber(values["weekly.left.N"])
		}
		want := plainNumber(values[key+".Opened"]) - plainNumber(values[key+".Fixed"]) - left
		if got := values[key+".Change"]; got != request.Locale.Change(want) {
			t.Errorf("%s: the change is %q, want %d: %v", ask, got, want, values)
		}
	}
}

func everything(t *testing.T, m reports.Message) string {
	t.Helper()
	m.Actions, m.Files = nil, nil
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
