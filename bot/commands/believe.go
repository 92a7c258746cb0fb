package commands

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/bot/watch"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// BelieveData is the JSON of status believe.
type BelieveData struct {
	Believed []string    `json:"believed" jsonschema:"servers whose data counts as right from now on"`
	Doubts   []DoubtData `json:"doubts" jsonschema:"what is to be confirmed: see the actions"`
}

// DoubtData is what is in doubt about a panel.
type DoubtData struct {
	Server  string     `json:"server"`
	Reason  string     `json:"reason,omitempty" jsonschema:"shrunk, replaced or older; empty: only what is missing"`
	Table   string     `json:"table,omitempty" jsonschema:"that shrunk"`
	Was     int64      `json:"was" jsonschema:"its rows"`
	Is      int64      `json:"is"` //
	Since   *time.Time `json:"since" jsonschema:"null: of what is missing"`
	Missing []string   `json:"missing,omitempty" jsonschema:"tables and columns"`
}

// doubts are about panels whose data does not look right.
type doubts struct{ watch *watch.Watch }

// believe shows what is in doubt about panels, or takes one for right as it was
// shown: the last word of a button stands for that.
func (d doubts) believe(ctx context.Context, r bot.Request) (bot.Answer, error) {
	var asked listRequest
	mark := ""
	for _, word := range r.Words[1:] {
		server, ok := strings.CutPrefix(word, "server=")
		switch {
		case ok:
			asked.filter.Server = server
		case mark == "" && doubtMark.MatchString(word):
			mark = word
		default:
			return bot.Answer{}, bot.Usage("status", "usage.status", word)
		}
	}
	if r.Role < bot.Admin {
		return bot.Answer{}, bot.NotAllowed(r, "believe", bot.Admin)
	}
	servers, err := asked.named(d.watch.States())
	switch {
	case err != nil:
		return bot.Answer{}, err
	case mark == "":
		return d.ask(ctx, servers, r)
	case len(servers) != 1:
		return bot.Answer{}, bot.Usage("status", "usage.status", mark)
	}
	return d.settle(ctx, servers[0].Name, mark, r)
}

// doubtMark is the form of watch.InDoubt's mark.
var doubtMark = regexp.MustCompile("^[0-9a-f]{8}$")

// ask asks whether the data of the panels is right.
func (d doubts) ask(ctx context.Context, servers []reports.Server, r bot.Request) (bot.Answer, error) {
	data := BelieveData{Believed: []string{}, Doubts: []DoubtData{}}
	var told []compose.Doubt
	for _, s := range servers {
		doubt, is, err := d.watch.InDoubt(ctx, d.watch.Panel(s.Name))
		if err != nil {
			return bot.Answer{}, err
		}
		if !is {
			continue
		}
		x := DoubtData{Server: s.Name, Reason: doubt.Reason, Table: doubt.Table, Was: doubt.Was, Is: doubt.Is, Since: bot.OrNull(doubt.Since)}
		for _, m := range doubt.Missing {
			x.Missing = append(x.Missing, m.String())
		}
		data.Doubts = append(data.Doubts, x)
		told = append(told, compose.Doubt{Server: s.Name, Reason: doubt.Reason, Table: doubt.Table, Was: doubt.Was, Is: doubt.Is, Since: doubt.Since, Missing: x.Missing,
			Command: "status believe server=" + s.Name + " " + doubt.Mark})
	}
	return bot.Answer{Message: compose.Doubts(r.Writer(), told), Data: data}, nil
}

// settle takes a panel for right.
func (d doubts) settle(ctx context.Context, server, mark string, r bot.Request) (bot.Answer, error) {
	act := bot.NewAct("status", "believe server="+server, bot.ResultOK)
	did, err := d.watch.Believe(ctx, d.watch.Panel(server), mark, *people.Entry(r, act), r.Now)
	if unreadable, ok := errors.AsType[watch.Unreadable](err); ok {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnavailable, Key: "trouble." + unreadable.Why()}
	}
	if errors.Is(err, watch.ErrOtherDoubt) {
		again := offer(r.Locale.Say("action.believe"), "status believe server="+server)
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultChanged, Key: "refusal.doubt", Offers: []reports.Action{again}}
	}
	if err != nil {
		return bot.Answer{}, err
	}
	data := BelieveData{Believed: []string{}, Doubts: []DoubtData{}}
	if did {
		data.Believed = append(data.Believed, server)
	}
	return bot.Answer{Message: compose.Believed(r.Writer(), data.Believed), Data: data}, nil
}

// believes reports whether what was said is about the doubt of a panel.
func (s said) believes() bool { return s.name == "status" && slices.Contains(s.words, "believe") }
