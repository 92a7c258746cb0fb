package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// Refusal is why a request is not met, worded for the one who asked. Any
// other error is internal: it is logged, and the one who asked gets a
// reference to it.
type Refusal struct {
	Code   Result // for programs
	Key    string // of the text; its first line is the title
	Args   i18n.Args
	Offers []reports.Action // what may have been meant; nil: not looked for
}

// Error is for logs.
func (r *Refusal) Error() string { return fmt.Sprintf("refused: %s %v", r.Code, r.Args) }

// Usage refuses words that a command does not understand. The word may be
// empty.
func Usage(command, key, word string) *Refusal {
	return &Refusal{Code: ResultUsage, Key: key, Args: i18n.Args{"Command": command, "Word": Short(word)}}
}

// NotDomain refuses a word that should be a domain name.
func NotDomain(word string) *Refusal {
	return &Refusal{Code: ResultUsage, Key: "refusal.name", Args: i18n.Args{"Word": Short(word)}}
}

// NotAllowed refuses a command to somebody whose role is not enough.
func NotAllowed(r Request, command string, needs Role) *Refusal {
	what := "may." + command
	if !r.Locale.Has(what) {
		what = "may.this"
	}
	return &Refusal{Code: ResultNotAllowed, Key: "refusal.role", Args: i18n.Args{
		"What": r.Locale.Say(what), "Needs": r.Locale.Say("role." + needs.String()), "Role": r.Locale.Say("role." + r.Role.String())}}
}

// UnknownPerson refuses somebody who is not in the configuration, with the id
// that would make them known.
func UnknownPerson(r Request) *Refusal {
	if r.Person == "" {
		return &Refusal{Code: ResultNotAllowed, Key: "refusal.nobody"}
	}
	return &Refusal{Code: ResultNotAllowed, Key: "refusal.stranger", Args: i18n.Args{"Person": r.Person, "Chat": r.Chat.String()}}
}

// Explain words the error of a request for the one who asked, with the code
// for programs. An internal error is logged under a reference that they can
// quote.
func Explain(ctx context.Context, log *slog.Logger, err error, r Request) (reports.Message, Result) {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return compose.Refusal(r.Writer(), r.Locale.Say(refusal.Key, refusal.Args), refusal.Offers...), refusal.Code
	}
	reference := strings.ToLower(rand.Text()[:4])
	log.ErrorContext(ctx, "request failed", "reference", reference, "person", r.Person, "error", err)
	return compose.Refusal(r.Writer(), r.Locale.Say("refusal.internal", i18n.Args{"Reference": reference})), ResultInternal
}

// wordLength is how much of a typed word an answer repeats, in runes.
const wordLength = 40

// Short keeps a word that somebody typed short enough for an answer.
func Short(word string) string { return cut(word, wordLength) }

// cut shortens a text to so many runes.
func cut(text string, runes int) string {
	if all := []rune(text); len(all) > runes {
		return string(all[:runes]) + "…"
	}
	return text
}

// ShortWords keeps words that somebody typed short, and few, for the audit.
func ShortWords(words []string) string {
	var kept []string
	for _, w := range words[:min(len(words), 10)] {
		kept = append(kept, Short(w))
	}
	return strings.Join(kept, " ")
}
