package fleet

import (
	"fmt"
	"strings"
)

// ServerUsers is the part of a nats-server's configuration that lets the members in: an
// account of their own, with nobody else in it.
func ServerUsers(m Members) string {
	var b strings.Builder
	b.WriteString("accounts {\n  DOMOVOY {\n    jetstream: enabled\n    users: [\n")
	for _, key := range m.Bots {
		fmt.Fprintf(&b, "      # the bot\n      { nkey: %s }\n", key)
	}
	for _, a := range m.Agents {
		r := a.Rights()
		fmt.Fprintf(&b, "      # %s\n      { nkey: %s, permissions: {\n        publish: { allow: [%s] }\n        subscribe: { allow: [%s] }\n        allow_responses: { max: %d, expires: %q }\n      } }\n",
			a.Name, a.Key, quoted(r.Publish), quoted(r.Subscribe), AnswersTo, AnswersFor.String())
	}
	b.WriteString("    ]\n  }\n}\n")
	return b.String()
}

func quoted(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(all, ", ")
}
