package setup

import (
	"cmp"
	"context"

	"domovoy/bot/fleet"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// enrolmentFile is the name of an agent's enrolment beside its configuration.
const enrolmentFile = "agent.enrolment"

// isAgent reports whether this host becomes an agent, or is one.
func (s *session) isAgent() bool { return s.Agent != "" || s.old != nil && s.old.IsAgent() }

// askAgent takes the enrolment, and finds the panel that it is for, or asks where the
// vantage point stands.
func (s *session) askAgent(ctx context.Context) error {
	if s.Given != nil && (s.Given.Telegram != nil || s.Given.Slack != nil) {
		return s.refuse(s.talk.l.Say("setup.agent.mute"))
	}
	if err := s.enrol(ctx); err != nil {
		return err
	}
	if len(s.draft.enrolment.Panels) == 0 {
		return s.askVantage(ctx)
	}
	s.talk.print("")
	return s.askPanel(ctx)
}

// enrol reads the file that “domovoy fleet add” printed, and tries the hub with it. A hub
// that does not answer now may do so later.
func (s *session) enrol(ctx context.Context) error {
	if s.Agent == "" {
		s.draft.enrolment, _ = s.old.Fleet.Enrolment() // it is an agent's
		return nil
	}
	text, err := secretOf(s.Agent)
	if err != nil {
		return s.refuse(err.Error())
	}
	e, err := fleet.ParseEnrolment(text)
	fault := ""
	switch {
	case err != nil:
		fault = "none"
	case e.Bot:
		fault = "bot"
	case splitFile(s.oldText).find("chats") != nil: // also if it has faults
		fault = "taken"
	case len(e.Panels) > 1:
		fault = "several"
	}
	if fault != "" {
		return s.refuse(s.talk.l.Say("setup.agent."+fault, i18n.Args{"File": s.Agent, "Config": s.Config, "Panels": e.Panels}))
	}
	s.talk.say("setup.agent.head", i18n.Args{"Name": e.Name})
	s.draft.enrolment, s.draft.secrets[enrolmentFile] = e, text
	for _, t := range app.TryHub(ctx, &config.Config{Fleet: config.Fleet{Hub: e.Hub, Key: config.NewSecret(text)}}) {
		s.talk.tell(t.Text(s.talk.l))
		if t.Grade == app.Broken {
			return s.refuse("")
		}
	}
	return nil
}

// askVantage asks where this host stands in the network, which is said of what it sees.
func (s *session) askVantage(ctx context.Context) error {
	v := &s.draft.vantage
	v.Name = s.draft.enrolment.Name
	if s.old != nil && s.old.Vantage.IsOn() {
		v.Network, v.Country = s.old.Vantage.Network, s.old.Vantage.Country
	}
	if s.Given != nil {
		v.Network, v.Country = cmp.Or(s.Given.Vantage.Network, v.Network), cmp.Or(s.Given.Vantage.Country, v.Country)
		return nil
	}
	for _, q := range []struct {
		key   string
		value *string
		fits  func(string) bool
	}{{"network", &v.Network, config.IsNetwork}, {"country", &v.Country, config.IsCountry}} {
		for {
			text, err := s.talk.ask(ctx, s.talk.l.Say("setup.agent."+q.key), *q.value)
			if err != nil {
				return err
			}
			if text == "" || q.fits(text) {
				*q.value = text
				break
			}
			s.talk.note("setup.agent." + q.key + ".form")
		}
	}
	return nil
}

// finishAgent shows what the service's user sees of the panel, and says where the rest is
// seen.
func (s *session) finishAgent(ctx context.Context, cfg *config.Config) error {
	ok, err := s.lookAtAll(ctx, cfg, func(line) bool { return true })
	if err != nil || !ok {
		s.talk.say("setup.done.unread")
		return ErrFailed
	}
	s.talk.say("setup.agent.done", i18n.Args{"Panels": len(cfg.Panels) > 0})
	return nil
}
