// Command lab is what a freshly installed Domovoy meets: a panel in the place where
// ISPmanager has it, below a root folder, and the laboratory's Telegram and Slack. It
// says where these two are, and then does what each line of its input says, with a line
// "done" after each; it ends with the input. In root's home are the tokens, and answers
// for setup with everything that a person would be asked.
//
//	lab ROOT
//
//	start CODE  presses Start in the link of a private chat
//	group CODE  adds the bot to the group by its link
//	invite      invites the bot to the channel
//	slash WORDS says something there with /domovoy
//	hear TEXT   waits until each chat has got a message with the text since the last question
//	ask WORDS   asks in both chats, and waits for an answer of some lines in each
//	reissue     has the panel issue many certificates at once
//	fail N      Telegram does not take the next N messages
//	say WORDS   asks in Telegram, without waiting
//	told TEXT   waits until Telegram has got a message with the text since the last question
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/checks/lab"
)

// Chats and people.
const (
	group   = int64(-1001234567890)
	admin   = int64(42)
	channel = "C0123456789"
	team    = "T012345"
	ann     = "U0123456"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: lab ROOT")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal("lab: ", err)
	}
}

// town is the panel and the messengers.
type town struct {
	telegram *botlab.Telegram
	slack    *botlab.Slack
	sample   *lab.Sample

	seen struct{ telegram, slack int } // messages before the last question
}

func run(root string) error {
	t, err := open(filepath.Join(root, "usr/local/mgr5/etc"))
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.tell(filepath.Join(root, "root")); err != nil {
		return err
	}
	fmt.Println("done", t.telegram.URL(), t.slack.APIURL())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if err := t.do(word, rest); err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		fmt.Println("done")
	}
	return lines.Err()
}

// open makes the panel in its folder, and opens the messengers.
func open(folder string) (t *town, err error) {
	t = &town{}
	if t.telegram, err = botlab.NewTelegram(botlab.TelegramOptions{}); err != nil {
		return nil, err
	}
	t.telegram.AddChat(botlab.Chat{ID: group, Title: "Duty"})
	t.telegram.AddChat(botlab.Chat{ID: admin, Title: "Ann"})
	if t.slack, err = botlab.NewSlack(botlab.SlackOptions{Team: team}); err != nil {
		return nil, err
	}
	t.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops", Absent: true})
	t.slack.AddPerson(botlab.Person{ID: ann, Name: "ann"})
	conf := filepath.Join(folder, "ispmgr.conf.d")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(conf, "db.conf"), nil, 0o600); err != nil { // it names no server
		return nil, err
	}
	if t.sample, err = lab.NewSample(folder, time.Now().UTC(), 3, lab.WithoutFiles()); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *town) close() {
	_ = t.sample.Close()
	t.telegram.Close()
	t.slack.Close()
}

// tell writes the tokens, and the answers to what setup asks.
func (t *town) tell(home string) error {
	for name, text := range map[string]string{
		"telegram.token": t.telegram.Token(), "slack.bot": t.slack.BotToken(), "slack.app": t.slack.AppToken(),
		"answers.yaml": fmt.Sprintf(`language: en
timezone: UTC
panel: {name: isp1, challenges: /usr/local/mgr5/www/letsencrypt, rights: acl}
telegram: {token_file: telegram.token, api_url: %q, chat: "telegram:%d", admin: "telegram:%d"}
slack: {bot_token_file: slack.bot, app_token_file: slack.app, api_url: %q, chat: "slack:%s", admin: "slack:%s:%s"}`,
			t.telegram.URL(), group, admin, t.slack.APIURL(), channel, team, ann),
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (t *town) do(word, rest string) error {
	switch word {
	case "start":
		t.telegram.Say(admin, 0, admin, "Ann", "/start "+rest)
		return nil
	case "group":
		t.telegram.Say(group, 0, admin, "Ann", "/start@"+t.telegram.Username()+" "+rest)
		return nil
	case "invite":
		t.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops"})
		return nil
	case "slash":
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		if err := t.slack.WaitConnected(ctx, 1); err != nil {
			return fmt.Errorf("nobody listens to Slack: %w", err)
		}
		t.slack.Slash(channel, ann, team, "/domovoy", rest)
		return nil
	case "hear":
		return t.wait(rest, 1, true)
	case "told":
		return t.wait(rest, 1, false)
	case "ask":
		t.look()
		t.telegram.Say(group, 0, admin, "Ann", "/"+rest)
		t.slack.Mention(channel, ann, rest, "")
		return t.wait("isp1", 4, true)
	case "say":
		t.look()
		t.telegram.Say(group, 0, admin, "Ann", "/"+rest)
		return nil
	case "reissue":
		t.look()
		return t.sample.MassReissue(time.Now(), 137)
	case "fail":
		n, err := strconv.Atoi(rest)
		t.telegram.Fail("sendMessage", n, botlab.Fault{Kind: botlab.BadGateway})
		return err
	}
	return errors.New("no such command")
}

// look notes what the chats have already.
func (t *town) look() {
	t.seen.telegram, t.seen.slack = len(t.telegram.Messages(group)), len(t.slack.Messages(channel))
}

// wait waits for a new message with the text, of at least so many lines, in Telegram
// or in both chats.
func (t *town) wait(text string, lines int, both bool) error {
	fits := func(message string) bool {
		return strings.Contains(message, text) && strings.Count(strings.TrimSpace(message), "\n")+1 >= lines
	}
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		telegram := slices.ContainsFunc(t.telegram.Messages(group)[t.seen.telegram:], func(m botlab.TelegramMessage) bool { return fits(m.Text) })
		slack := slices.ContainsFunc(t.slack.Messages(channel)[t.seen.slack:], func(m botlab.SlackMessage) bool { return fits(m.Body.Text + "\n" + m.Body.Read()) })
		if telegram && (slack || !both) {
			return nil
		}
	}
	for _, m := range t.telegram.Messages(group)[t.seen.telegram:] {
		log.Printf("Telegram: %s", m.Text)
	}
	for _, m := range t.slack.Messages(channel)[t.seen.slack:] {
		log.Printf("Slack: %s", m.Body.Read())
	}
	return fmt.Errorf("no message with %q within a minute", text)
}
