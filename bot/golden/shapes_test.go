package golden

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/i18n"
	"domovoy/reports"
)

// shapes are the messages whose forms in Telegram and Slack are golden files
// too: every tone, every kind of section, button and file, and every kind of
// message. TestShapesShowEveryForm fails if a message has a form that none of
// these has.
func shapes() []string {
	return []string{
		// alerts: begin, grow, last, end, and the edit of the first message
		"alert.panel.processing.opened", "alert.panel.processing.warning", "alert.panel.processing.worsened",
		"alert.panel.processing.reminded", "alert.panel.processing.resolved", "closed.panel.processing",
		"alert.panel.unavailable.opened.locked", "alert.dnsbl.listed.opened",
		"names.cert.expired.1", "names.cert.expired.400", "over.names.cert.expired.3", "storm", "baseline", "again",
		// reports
		"status.critical", "status.unreadable", "daily.moved", "daily.blind", "weekly", "limits.short", "reissue", "replay",
		// one site: each tone, names in other scripts, quotations that need escaping
		"check.ok", "check.overdue", "check.expired", "check.unread", "check.unknown", "check.cyrillic",
		"check.ca.unauthorized.page", "live.many", "live.dns.lookalike", "why",
		// lists: empty, a page with its buttons, an attachment
		"list.failed.0", "list.failed.45", "list.failed.file", "list.elsewhere.3",
		// work that takes long
		"sweep.under", "sweep.done", "cancel.plan.priced", "cancel.first", "cancel.waits.busy", "cancel.done.some", "audit.every",
		// about the bot
		"help", "whoami.operator", "refusal.role.report", "refusal.offers", "refusal.similar",
	}
}

// Every form of a message is shown by some shape.
func TestShapesShowEveryForm(t *testing.T) {
	bundle := load(t)
	all := cases()
	shown := map[string]bool{}
	for _, name := range shapes() {
		for _, form := range forms(bundle, composed(t, bundle, all[name], "en")) {
			shown[form] = true
		}
	}
	for name, compose := range all {
		for _, form := range forms(bundle, composed(t, bundle, compose, "en")) {
			if !shown[form] {
				t.Errorf("%s has %s, and no shape has", name, form)
			}
		}
	}
}

// forms returns the forms that there are to render in a message.
func forms(bundle *i18n.Bundle, m reports.Message) []string {
	all := []string{fmt.Sprintf("the tone %q", m.Tone)}
	add := func(name string, has bool) {
		if has {
			all = append(all, name)
		}
	}
	html := telegram.Render(bundle, m)
	add("a cut in Telegram", strings.Contains(html, "…and "))
	add("escaped text", strings.Contains(html, "&lt;") || strings.Contains(html, "&amp;"))
	add("a cut in Slack", strings.Contains(fmt.Sprint(slack.Render(m, bundle)), "…and "))
	add("a silent arrival", m.Silent)
	add("several sections", len(m.Sections) > 1)
	for _, s := range m.Sections {
		add("a heading", s.Heading != "")
		add("a text", s.Text != "")
		add("a text of several lines", strings.Contains(s.Text, "\n"))
		add("a quotation", s.Quote != "")
		add("folded details", s.Folded)
		add("a quotation of several lines", strings.Contains(s.Quote, "\n"))
		add("a heading over items", s.Heading != "" && len(s.Items) > 0)
		add("a text over items", s.Text != "" && len(s.Items) > 0)
		add("items and a quotation", s.Quote != "" && len(s.Items) > 0)
		for _, i := range s.Items {
			add(fmt.Sprintf("an item of the tone %q", i.Tone), true)
			add("an item with a note", i.Note != "")
		}
	}
	for _, a := range m.Actions {
		add(fmt.Sprintf("a button with danger %t", a.Danger), true)
		add("a button of a row", a.Row != 0)
		add("a rare button", a.Rare)
	}
	add("several buttons", len(m.Actions) > 1)
	add("more buttons than a row has", len(m.Actions) > 5)
	add("an attachment", len(m.Files) > 0)
	slices.Sort(all)
	return slices.Compact(all)
}
