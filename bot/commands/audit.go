package commands

import (
	"context"
	"errors"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// auditShown is how many acts the audit shows.
const auditShown = 30

// AuditData is the JSON of audit.
type AuditData struct {
	Audit []AuditItem `json:"audit" jsonschema:"newest first"`
	ChainData
}

// ChainData is the JSON of audit verify.
type ChainData struct {
	Entries int    `json:"entries"`
	Whole   bool   `json:"whole" jsonschema:"nothing was changed or removed"`
	Head    string `json:"head" jsonschema:"the last hash, to be noted down elsewhere"`
	Error   string `json:"error,omitempty"`
}

// AuditItem is one act.
type AuditItem struct {
	At      time.Time `json:"at"`
	Person  string    `json:"person"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Chat    string    `json:"chat"`
	Command string    `json:"command"`
	Args    string    `json:"args"`
	Result  string    `json:"result"`
}

// trail answers from the audit.
type trail struct{ journal *journal.Journal }

// audit answers who did what, or tried to, for one site or all. The chain of
// hashes shows whether anything was changed afterwards, which verify answers
// alone.
func (t trail) audit(ctx context.Context, r bot.Request) (bot.Answer, error) {
	name := ""
	switch {
	case len(r.Words) == 1 && r.Words[0] == "verify":
		return t.verify(ctx, r)
	case len(r.Words) == 1:
		var err error
		if name, err = checks.ParseName(r.Words[0]); err != nil {
			return bot.Answer{}, bot.NotDomain(r.Words[0])
		}
	case len(r.Words) > 1:
		return bot.Answer{}, bot.Usage("audit", "usage.audit", r.Words[1])
	}
	acts, err := t.journal.AuditOf(ctx, name, auditShown)
	if err != nil {
		return bot.Answer{}, err
	}
	chain, told, err := t.chain(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	data := AuditData{Audit: []AuditItem{}, ChainData: chain}
	told.Name = name
	for _, a := range acts {
		data.Audit = append(data.Audit, AuditItem{a.At, a.Person, a.Name, a.Role, a.Chat, a.Command, a.Args, a.Result})
		told.Acts = append(told.Acts, reports.Act{At: a.At, Who: whose(a), Command: line(a), Result: a.Result})
	}
	return bot.Answer{Message: compose.Audit(r.Writer(), told), Data: data}, nil
}

// verify answers whether the audit is whole.
func (t trail) verify(ctx context.Context, r bot.Request) (bot.Answer, error) {
	data, told, err := t.chain(ctx)
	return bot.Answer{Message: compose.AuditVerified(r.Writer(), told), Data: data}, err
}

// chain looks whether the audit is whole.
func (t trail) chain(ctx context.Context) (ChainData, compose.AuditTrail, error) {
	data, told := ChainData{Whole: true}, compose.AuditTrail{}
	var err error
	data.Entries, data.Head, err = t.journal.VerifyAudit(ctx)
	broken, isBroken := errors.AsType[*journal.BrokenChain](err)
	cut, isCut := errors.AsType[*journal.CutChain](err)
	switch {
	case isBroken:
		data.Whole, data.Error, told.Broken = false, broken.Error(), int(broken.Entry)
	case isCut:
		data.Whole, data.Error, told.Kept, told.Last, told.Next = false, cut.Error(), int(cut.Kept), int(cut.Last), int(cut.Next)
	case err != nil:
		return data, told, err
	}
	told.Entries, told.Head = data.Entries, data.Head
	return data, told, nil
}

// whose is the name beside the id: only the id cannot be chosen freely.
func whose(a journal.AuditEntry) string {
	if a.Name == "" || a.Name == a.Person {
		return a.Person
	}
	return a.Name + " (" + a.Person + ")"
}

// lineLength is how much of an act's words the list shows, in runes.
const lineLength = 120

func line(a journal.AuditEntry) string {
	text := a.Command
	if a.Args != "" {
		text += " " + a.Args
	}
	if runes := []rune(text); len(runes) > lineLength {
		return string(runes[:lineLength]) + "…"
	}
	return text
}
