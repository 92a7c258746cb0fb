package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"domovoy/bot"
)

// Answers are the answers of somebody who is not asked. What is empty is found out,
// or has the default of the question. Secrets are in files of their own.
type Answers struct {
	Language string           `yaml:"language"` // of the chats
	Timezone string           `yaml:"timezone"`
	Panel    PanelAnswers     `yaml:"panel"`
	Vantage  VantageAnswers   `yaml:"vantage"`
	Telegram *TelegramAnswers `yaml:"telegram"` // nil: no Telegram, or as it is
	Slack    *SlackAnswers    `yaml:"slack"`    // nil: no Slack, or as it is
}

// PanelAnswers are about the panel.
type PanelAnswers struct {
	Name         string   `yaml:"name"`
	Database     string   `yaml:"database"` // as in the configuration
	DBConf       string   `yaml:"db_conf"`
	PasswordFile string   `yaml:"password_file"` // with mysql://
	Certificates string   `yaml:"certificates"`
	Challenges   string   `yaml:"challenges"`
	AccessLogs   []string `yaml:"access_logs"`
	Rights       string   `yaml:"rights"` // acl | capability | user | none
}

// VantageAnswers are where an agent looks from.
type VantageAnswers struct {
	Network string `yaml:"network"` // AS64500
	Country string `yaml:"country"` // de
}

// TelegramAnswers are about Telegram. Without Chat and Admin setup waits for /start.
type TelegramAnswers struct {
	TokenFile string `yaml:"token_file"`
	APIURL    string `yaml:"api_url"`
	Proxy     string `yaml:"proxy"`
	Chat      string `yaml:"chat"`
	Admin     string `yaml:"admin"`
}

// SlackAnswers are about Slack. Without Chat and Admin setup waits for the code.
type SlackAnswers struct {
	BotTokenFile string `yaml:"bot_token_file"`
	AppTokenFile string `yaml:"app_token_file"`
	APIURL       string `yaml:"api_url"`
	Proxy        string `yaml:"proxy"`
	Chat         string `yaml:"chat"`
	Admin        string `yaml:"admin"`
}

// ReadAnswers reads a file of answers, strictly.
func ReadAnswers(file string) (*Answers, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a := &Answers{}
	if err := yaml.UnmarshalWithOptions(text, a, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	folder, paths := filepath.Dir(file), []*string{&a.Panel.PasswordFile}
	if a.Telegram != nil {
		paths = append(paths, &a.Telegram.TokenFile)
	}
	if a.Slack != nil {
		paths = append(paths, &a.Slack.BotTokenFile, &a.Slack.AppTokenFile)
	}
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
	return a, nil
}

// misplaced finds a chat or a person in the answers that is not an address of its
// messenger, and what one looks like; empty: there is none.
func (a *Answers) misplaced() (key, value, example string) {
	var given [][3]string
	if t := a.Telegram; t != nil {
		given = append(given, [3]string{"telegram.chat", t.Chat, "telegram:-1001234567890"}, [3]string{"telegram.admin", t.Admin, "telegram:123456789"})
	}
	if t := a.Slack; t != nil {
		given = append(given, [3]string{"slack.chat", t.Chat, "slack:C0123456789"}, [3]string{"slack.admin", t.Admin, "slack:T012345:U0123456"})
	}
	for _, g := range given {
		messenger, _, _ := strings.Cut(g[2], ":")
		if at, err := bot.ParseAddress(g[1]); g[1] != "" && (err != nil || at.Messenger != messenger) {
			return g[0], g[1], g[2]
		}
	}
	return "", "", ""
}

// secretOf reads the secret in a file.
func secretOf(file string) (string, error) {
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
