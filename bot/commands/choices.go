package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// aboutProblems completes silence, hand and escalate one tap at a time: the problem,
// then for how long, why, or to whom.
func (g guide) aboutProblems(ctx context.Context, told bot.Refusal) error {
	words := g.said.name + " " + strings.Join(g.said.words, " ")
	switch {
	case told.Key == "usage.silence.end":
		told.Offers = g.spans(words)
		return &told
	case told.Key == "usage.silence.reason":
		told.Offers = g.reasons(words)
		return &told
	case g.said.name == "hand" && len(g.said.words) == 1:
		people, err := g.people(ctx, words)
		told.Key, told.Offers = "usage.handto", people
		if err != nil {
			return err
		}
		if len(people) == 0 {
			told.Key = "usage.hand"
		}
		return &told
	}
	standing, err := g.commands.Journal.Standing(ctx, g.asked.Now)
	if err != nil {
		return err
	}
	open := standing.Problems
	if g.said.name == "silence" {
		open = audible(open)
	}
	if len(open) == 0 && len(g.said.words) == 0 {
		told.Key = "problems.none"
	}
	told.Offers = compose.ProblemActions(g.asked.Writer(), open, g.said.name)
	return &told
}

// audible are the problems that nothing holds back.
func audible(problems []reports.Problem) []reports.Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p reports.Problem) bool { return p.Life.Held != "" })
}

// spans are for how long something can be silenced by a tap.
func (g guide) spans(words string) []reports.Action {
	var all []reports.Action
	reason := g.asked.Locale.Say("action.hushed")
	for _, while := range []string{"1h", "4h", "12h", "1d", "7d"} {
		d, _ := span(while)
		all = append(all, offer(g.asked.Locale.Age(d), fmt.Sprintf("%s %s %s", words, while, reason)))
	}
	return all
}

// reasons are the usual ones for a silence.
func (g guide) reasons(words string) []reports.Action {
	var all []reports.Action
	for _, key := range []string{"works", "known", "mending"} {
		reason := g.asked.Locale.Say("silence.why." + key)
		all = append(all, offer(reason, words+" "+reason))
	}
	return all
}

// people are those who may take a problem, without the one who asks: by the name that
// they were last seen with, else by their id.
func (g guide) people(ctx context.Context, words string) ([]reports.Action, error) {
	audience := g.commands.People
	names, err := g.commands.Journal.Names(ctx, slices.Collect(maps.Keys(audience.People)))
	if err != nil {
		return nil, err
	}
	var all []reports.Action
	for person, role := range audience.People {
		if role < bot.Operator || person == g.asked.Person {
			continue
		}
		name := names[person]
		if name == "" {
			name = person
		}
		all = append(all, offer(name, words+" "+name))
	}
	slices.SortFunc(all, func(a, b reports.Action) int { return strings.Compare(a.Label, b.Label) })
	return all, nil
}
