package setup

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/telegram"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// askTelegram takes a token, tries it, and waits for the code in a private chat and in
// a group.
func (s *session) askTelegram(ctx context.Context) error {
	s.talk.say("setup.telegram.head")
	had := s.old != nil && s.old.Telegram.Token.IsSet()
	t := telegramParts{api: s.TelegramAPI}
	if had {
		t.api, t.proxy = cmp.Or(s.TelegramAPI, s.old.Telegram.APIURL), s.old.Telegram.Proxy.Reveal()
	}
	if s.Given != nil {
		return s.givenTelegram(ctx, t, had)
	}
	if !had {
		s.talk.say("setup.telegram.how")
	}
	for {
		token, err := s.telegramToken(ctx, had)
		if err != nil {
			return err
		}
		more := token == "+" && had
		switch {
		case token == "" && !had:
			s.talk.note("setup.telegram.without")
			return nil
		case token == "" || more:
			t.token = s.old.Telegram.Token.Reveal()
		default:
			t.token = token
		}
		ok, err := s.tryTelegram(ctx, &t)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if token == "" && s.chatsOf(telegram.Messenger) > 0 {
			return s.keepTelegram(t)
		}
		return s.meetTelegram(ctx, t, token != "" && !more, TelegramAnswers{})
	}
}

// telegramParts are what a bot of Telegram is made of.
type telegramParts struct {
	token, api, proxy string
	username          string
	messenger         *telegram.Telegram
}

func (s *session) telegramToken(ctx context.Context, had bool) (string, error) {
	key := s.talk.l.Say("setup.telegram.token")
	if had {
		key = s.talk.l.Say("setup.telegram.again")
	}
	return s.talk.askSecret(ctx, key)
}

// givenTelegram is askTelegram with answers from a file.
func (s *session) givenTelegram(ctx context.Context, t telegramParts, had bool) error {
	given := s.Given.Telegram
	if given == nil && !had {
		s.talk.note("setup.telegram.without")
		return nil
	}
	if given != nil {
		token, err := secretOf(given.TokenFile)
		if err != nil {
			return s.refuse(err.Error())
		}
		t.token = token
		if given.APIURL != "" {
			t.api = given.APIURL
		}
		if given.Proxy != "" {
			t.proxy = given.Proxy
		}
	}
	same := had && (given == nil || t.token == s.old.Telegram.Token.Reveal())
	if same {
		t.token = s.old.Telegram.Token.Reveal()
	}
	ok, err := s.tryTelegram(ctx, &t)
	if err != nil {
		return err
	}
	if !ok {
		s.talk.say("setup.unchanged")
		return ErrUnchanged
	}
	if given == nil || same && s.chatsOf(telegram.Messenger) > 0 && (given.Chat == "" || s.hasChat(given.Chat)) {
		return s.keepTelegram(t)
	}
	return s.meetTelegram(ctx, t, true, *given)
}

// chatsOf counts the chats that the old configuration has of a messenger.
func (s *session) chatsOf(name string) (n int) {
	for _, c := range s.old.Chats {
		if c.To.Messenger == name {
			n++
		}
	}
	return n
}

func (s *session) hasChat(to string) bool {
	if s.old == nil {
		return false
	}
	for _, c := range s.old.Chats {
		if c.To.String() == to {
			return true
		}
	}
	return false
}

// tryTelegram tries a token. It asks for a proxy if Telegram cannot be reached; false:
// the token is refused, which was said.
func (s *session) tryTelegram(ctx context.Context, t *telegramParts) (bool, error) {
	for {
		m, err := telegram.New(telegram.Config{Token: func() string { return t.token }, APIURL: t.api, Proxy: t.proxy}, s.Bundle)
		if err != nil {
			s.talk.note("setup.telegram.form")
			return false, nil //nolint:nilerr // it was said
		}
		t.messenger = m
		t.username, err = m.Username(ctx)
		if err == nil {
			s.talk.note("setup.telegram.taken", i18n.Args{"Bot": t.username})
			return true, nil
		}
		if refused, ok := errors.AsType[*bot.Permanent](err); ok {
			s.talk.note("setup.telegram.refused", i18n.Args{"Error": refused.Reason})
			return false, nil
		}
		if ctx.Err() != nil {
			return false, errLeft
		}
		s.talk.note("setup.telegram.silent", i18n.Args{"Error": short(err)})
		if s.Given != nil {
			return false, nil
		}
		if t.proxy, err = s.askProxy(ctx, t.proxy); err != nil {
			return false, err
		}
	}
}

// askProxy asks for a proxy; empty: none.
func (s *session) askProxy(ctx context.Context, was string) (string, error) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} { // the service has none of them
		if value, ok := s.Env(name); ok && was == "" && isProxy(value) {
			was = value
		}
	}
	for {
		text, err := s.talk.ask(ctx, s.talk.l.Say("setup.proxy"), was)
		if err != nil || text == "" {
			return "", err
		}
		if text == "-" {
			return "", nil
		}
		u, err := url.Parse(text)
		switch {
		case err == nil && u.User != nil:
			s.talk.say("setup.proxy.password")
		case !isProxy(text):
			s.talk.say("setup.proxy.form")
		default:
			return text, nil
		}
	}
}

// isProxy reports whether a text is a proxy without a password.
func isProxy(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "http" || u.Scheme == "socks5" || u.Scheme == "socks5h")
}

// keepTelegram leaves what the configuration has of Telegram.
func (s *session) keepTelegram(t telegramParts) error {
	s.talk.note("setup.kept", i18n.Args{"Chats": s.chatsOf(telegram.Messenger)})
	s.draft.parts = append(s.draft.parts, part{name: telegram.Messenger, messenger: t.messenger})
	return nil
}

// meetTelegram waits for the code, or takes what the answers have.
func (s *session) meetTelegram(ctx context.Context, t telegramParts, fresh bool, given TelegramAnswers) error {
	p := part{name: telegram.Messenger, messenger: t.messenger, changed: fresh}
	if fresh {
		s.draft.secrets["telegram.token"] = t.token
		p.keys = [][2]string{{"token_file", "telegram.token"}, {"api_url", t.api}, {"proxy", t.proxy}}
		p.gone = []string{"token"}
		if s.old != nil {
			p.keys = changed(p.keys, s.old.Telegram.APIURL, s.old.Telegram.Proxy.Reveal())
		}
	}
	met := meeting{session: s, t: t, admin: given.Admin, group: given.Chat}
	if given.Admin == "" || given.Chat == "" {
		if err := met.wait(ctx); err != nil {
			return err
		}
	}
	if met.group == "" {
		met.group = met.private
	}
	group, err := s.awaitRight(ctx, t.messenger, met.group, "setup.telegram.mute")
	if err != nil {
		return err
	}
	p.add(s, group, met.admin)
	s.draft.parts = append(s.draft.parts, p)
	return nil
}

// add adds a chat and an administrator to a part.
func (p *part) add(s *session, chat, admin string) {
	if chat != "" && !s.hasChat(chat) {
		to := address(chat)
		p.chats = append(p.chats, config.Chat{To: to, Language: s.draft.language, Receives: []string{"alerts", "daily", "weekly"}})
		p.changed = true
	}
	if admin == "" {
		return
	}
	if s.old != nil {
		for _, known := range s.old.People {
			if known.ID == admin {
				return
			}
		}
	}
	p.people = append(p.people, config.Person{ID: admin, Role: bot.Admin.String()})
	p.changed = true
}

// meeting is the wait for the code in both chats.
type meeting struct {
	*session
	t       telegramParts
	admin   string // the person who sent the code in private
	private string // their chat
	group   string
	sender  string // the person who sent it in the group before anybody did in private; empty: unknown
	seen    bool   // it was seen in a group before
	told    map[string]bool
}

// wait waits until the code was said in both chats, the person goes on without the
// group, or the time is over.
func (m *meeting) wait(ctx context.Context) error {
	for {
		args := i18n.Args{"Bot": m.t.username, "Code": m.code}
		if m.admin == "" {
			m.talk.indent(m.talk.l.Say("setup.telegram.start", args)) // links stay whole
		}
		if m.group == "" {
			m.talk.indent(m.talk.l.Say("setup.telegram.startgroup", args))
		}
		m.talk.say("setup.waiting", i18n.Args{"Wait": m.Wait, "Skip": m.talk.terminal != nil})
		late, err := m.listen(ctx)
		if err != nil {
			return err
		}
		if m.admin != "" && (m.group != "" || !late) {
			return nil
		}
		if late {
			m.talk.say("setup.late", i18n.Args{"Private": m.admin == "", "Bot": m.t.username, "Code": m.code})
		}
		if m.Given != nil {
			return m.refuse(m.talk.l.Say("setup.late.given"))
		}
		again, err := m.talk.agree(ctx, m.talk.l.Say("setup.late.again"), m.admin == "")
		if err != nil {
			return err
		}
		if !again && m.admin == "" {
			return errLeft
		}
		if !again {
			return nil
		}
	}
}

// listen waits once; late: the time is over.
func (m *meeting) listen(ctx context.Context) (late bool, err error) {
	waiting, stop := context.WithTimeout(ctx, m.Wait)
	defer stop()
	ended := make(chan error, 1)
	m.told = map[string]bool{}
	go func() { ended <- m.t.messenger.Meet(waiting, m.hear, m.failed) }()
	select {
	case err = <-ended:
	case pressed := <-m.talk.skipped():
		m.talk.reading = nil
		stop()
		<-ended                 //nolint:errcheck // that it was stopped
		if pressed.err != nil { // the terminal is gone
			return false, errLeft
		}
		return false, nil
	}
	switch {
	case ctx.Err() != nil:
		return false, errLeft
	case errors.Is(err, context.DeadlineExceeded):
		return true, nil
	}
	return false, err
}

// hear takes what is said to the bot, until both chats are known.
func (m *meeting) hear(h telegram.Heard) bool {
	switch {
	case h.Channel:
		m.once("channel"+h.Chat, "setup.telegram.channel", i18n.Args{"Title": h.Title})
	case h.Joined && m.group == "":
		m.once("joined"+h.Chat, "setup.telegram.joined", i18n.Args{"Title": h.Title, "Bot": m.t.username, "Code": m.code})
	case h.Joined:
	case !m.hasCode(h.Text):
		m.once("other"+h.Chat+h.Person, "setup.stranger", i18n.Args{"Person": h.Person, "Name": h.Name, "Chat": h.Chat})
	case h.Private:
		m.hearPrivate(h)
	case m.group == "":
		m.group = h.Chat
		m.talk.note("setup.telegram.group", i18n.Args{"Title": h.Title, "Chat": h.Chat})
		if m.admin == "" {
			m.seen, m.sender = true, h.Person
		}
	}
	return m.admin != "" && m.group != ""
}

// hearPrivate takes the administrator. A code that a group has seen already is worth
// nothing in private, unless the same person says it.
func (m *meeting) hearPrivate(h telegram.Heard) {
	switch {
	case m.admin != "" || h.Person == "":
	case m.seen && m.sender == "":
		m.code, m.seen = newCode(), false
		m.talk.note("setup.telegram.burnt", i18n.Args{"Bot": m.t.username, "Code": m.code})
	case m.seen && m.sender != h.Person:
		m.once("other"+h.Chat+h.Person, "setup.stranger", i18n.Args{"Person": h.Person, "Name": h.Name, "Chat": h.Chat})
	default:
		m.admin, m.private = h.Person, h.Chat
		m.talk.note("setup.telegram.admin", i18n.Args{"Name": h.Name, "Person": h.Person})
	}
}

// failed says why nothing is heard, once for each reason.
func (m *meeting) failed(err error) {
	args := i18n.Args{"Error": short(err), "API": cmp.Or(m.t.api, "https://api.telegram.org")}
	switch {
	case errors.Is(err, telegram.ErrBusy):
		m.once("busy", "setup.telegram.busy", args)
	case errors.Is(err, telegram.ErrWebhook):
		m.once("webhook", "setup.telegram.webhook", args)
	default:
		m.once("network", "setup.telegram.lost", args)
	}
}

// once says a text, once for each event.
func (m *meeting) once(event, key string, args i18n.Args) {
	if !m.told[event] {
		m.told[event] = true
		m.talk.note(key, args)
	}
}

// lookAgain is how often a chat is tried that does not take messages yet.
const lookAgain = 3 * time.Second

// awaitRight waits until the bot may write to a chat. It returns the chat, which may
// have become another one: a group of Telegram that was made a supergroup.
func (s *session) awaitRight(ctx context.Context, m bot.Trier, chat, key string) (string, error) {
	if chat == "" {
		return "", nil
	}
	to := address(chat)
	ctx, stop := context.WithTimeout(ctx, s.Wait)
	defer stop()
	for told := false; ; {
		err := m.CanSend(ctx, to)
		if err == nil {
			return to.String(), nil
		}
		if moved, ok := errors.AsType[*bot.Moved](err); ok && moved.To != to {
			s.talk.note("setup.telegram.moved", i18n.Args{"Chat": to, "To": moved.To})
			to = moved.To
			continue
		}
		permanent, is := errors.AsType[*bot.Permanent](err)
		if is && !permanent.Chat && !permanent.Token { // the app may not look; sending will tell
			s.talk.note("setup.slack.unseen", i18n.Args{"Error": permanent.Reason})
			return to.String(), nil
		}
		if ctx.Err() != nil {
			s.talk.say("setup.late.right", i18n.Args{"Chat": to})
			return "", errLeft
		}
		if !told {
			told = true
			s.talk.note(key, i18n.Args{"Chat": to, "Error": reasonOf(err)})
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
		}
	}
}

// reasonOf is the messenger's own word for a refusal.
func reasonOf(err error) any {
	if p, ok := errors.AsType[*bot.Permanent](err); ok {
		return p.Reason
	}
	if r, ok := errors.AsType[*bot.Refused](err); ok {
		return r.Reason
	}
	return short(err)
}

// short is the inmost part of an error, without addresses and methods.
func short(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// changed are the keys whose value is not the one of the configuration: a proxy may
// stand there as a variable, with a password that nobody writes down.
func changed(keys [][2]string, api, proxy string) [][2]string {
	return slices.DeleteFunc(keys, func(k [2]string) bool { return k[0] == "api_url" && k[1] == api || k[0] == "proxy" && k[1] == proxy })
}

// address is an address that was checked before; the zero one if it is none.
func address(text string) bot.Address {
	at, _ := bot.ParseAddress(text)
	return at
}
