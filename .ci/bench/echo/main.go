// Command echo is the least that answers in a chat without losing anything: it stores
// each update before it confirms it, and each answer before it sends it, with a commit
// each, and says what it was told. The benchmark of commands compares with it.
//
//	echo slack|telegram API STATE TOKENFILE [APPTOKENFILE]
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"

	telegram "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	_ "modernc.org/sqlite"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("echo: ", err)
	}
}

func run(args []string) error {
	if len(args) < 4 {
		return errors.New("usage: echo slack|telegram API STATE TOKENFILE [APPTOKENFILE]")
	}
	s, err := open(args[2])
	if err != nil {
		return err
	}
	var tokens []string
	for _, name := range args[3:] {
		token, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		tokens = append(tokens, strings.TrimSpace(string(token)))
	}
	if args[0] == "telegram" {
		return inTelegram(s, args[1], tokens[0])
	}
	return inSlack(s, args[1], tokens[0], tokens[1])
}

// store is the file that nothing is lost from.
type store struct{ update, answer, sent *sql.Stmt }

func open(path string) (*store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE inbox (key TEXT PRIMARY KEY, chat TEXT, text TEXT);
		CREATE TABLE outbox (id INTEGER PRIMARY KEY, chat TEXT, text TEXT, ref TEXT)`); err != nil {
		return nil, err
	}
	var s store
	for query, to := range map[string]**sql.Stmt{
		`INSERT INTO inbox (key, chat, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`: &s.update,
		`INSERT INTO outbox (chat, text) VALUES (?, ?)`:                               &s.answer,
		`UPDATE outbox SET ref = ? WHERE id = ?`:                                      &s.sent,
	} {
		if *to, err = db.Prepare(query); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// reply stores an answer, sends it and stores that it was sent.
func (s *store) reply(chat, text string, send func() (ref string, err error)) {
	done, err := s.answer.Exec(chat, text)
	if err != nil {
		log.Print(err)
		return
	}
	ref, err := send()
	if err != nil {
		log.Print(err)
		return
	}
	id, _ := done.LastInsertId()
	if _, err := s.sent.Exec(ref, id); err != nil {
		log.Print(err)
	}
}

func inSlack(s *store, url, token, app string) error {
	api := slack.New(token, slack.OptionAPIURL(url), slack.OptionAppLevelToken(app))
	client := socketmode.New(api, socketmode.OptionLog(log.New(io.Discard, "", 0)))
	go func() { log.Fatal(client.Run()) }()
	for event := range client.Events {
		outer, ok := event.Data.(slackevents.EventsAPIEvent)
		if !ok {
			continue
		}
		m, ok := outer.InnerEvent.Data.(*slackevents.AppMentionEvent)
		if !ok {
			continue
		}
		if _, err := s.update.Exec(event.Request.EnvelopeID, m.Channel, m.Text); err != nil {
			return err
		}
		if err := client.Ack(*event.Request); err != nil {
			return err
		}
		go s.reply(m.Channel, m.Text, func() (string, error) {
			_, ref, err := api.PostMessage(m.Channel, slack.MsgOptionText(m.Text, true), slack.MsgOptionTS(m.TimeStamp))
			return ref, err
		})
	}
	return nil
}

func inTelegram(s *store, url, token string) error {
	api, err := telegram.NewBotAPIWithAPIEndpoint(token, url+"/bot%s/%s")
	if err != nil {
		return err
	}
	for update := range api.GetUpdatesChan(telegram.UpdateConfig{Timeout: 30}) {
		m := update.Message
		if m == nil {
			continue
		}
		chat := fmt.Sprint(m.Chat.ID)
		if _, err := s.update.Exec(strconv.Itoa(update.UpdateID), chat, m.Text); err != nil {
			return err
		}
		go s.reply(chat, m.Text, func() (string, error) {
			sent, err := api.Send(telegram.NewMessage(m.Chat.ID, m.Text))
			return strconv.Itoa(sent.MessageID), err
		})
	}
	return nil
}
