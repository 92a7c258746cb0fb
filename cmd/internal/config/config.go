package config

import (
	"net/netip"
	"time"

	"domovoy/bot"
)

// Config is the whole file.
type Config struct {
	Basics
	Panels []Panel `key:"panels" need:"true" title:"The ISPmanager panels to watch"`
	Diagnosis
	Messengers
	Chats      []Chat     `key:"chats" title:"Where to speak"`
	People     []Person   `key:"people" title:"Who may do more than their chat may"`
	Schedule   Schedule   `key:"schedule" title:"When to work: cron, in timezone"`
	Thresholds Thresholds `key:"thresholds" title:"From when a number is worth an alert"`
	Alerts     Alerts     `key:"alerts" title:"How alerts behave"`
	Reports    Reports    `key:"reports" title:"Who gets which part of the weekly report"`

	origin origin
}

// origin is what a Config remembers of its file.
type origin struct {
	file   string
	later  Faults // what stops run alone, such as a secret not readable by this user
	system bool   // the resolvers are the system's
}

// Basics are the keys that stand alone at the top of the file.
type Basics struct {
	Language string `key:"language" is:"word" enum:"en ru" default:"en" title:"Language of chats that name no other"`
	// Timezone is the system's where the file names none.
	Timezone *time.Location `key:"timezone" is:"zone" title:"Zone of schedules and dates; the system's if absent"`
	State    string         `key:"state" is:"path" need:"true" title:"Domovoy's own database, in a folder that exists or can be made"`
}

// Panel is one ISPmanager whose database this host can read.
type Panel struct {
	Name     string `key:"name" is:"name" need:"true" title:"What messages call the panel"`
	Database string `key:"database" is:"path" need:"true" title:"The panel's SQLite database; only ever read"`
	// Timezone is Config.Timezone where the panel names none.
	Timezone     *time.Location `key:"timezone" is:"zone" title:"Zone of the dates inside that database"`
	Addresses    []netip.Addr   `key:"addresses" is:"address" title:"Where domains should point; the panel's own list if absent"`
	Certificates string         `key:"certificates" is:"path" title:"Folder of the certificates; may be absent"`
	// CompareKeys lets private keys in Certificates be read; without it a key
	// that does not fit shows in logs and handshakes only.
	CompareKeys bool `key:"compare_keys" is:"truth" default:"false" title:"Read private keys to compare them with their certificates"`
	// Challenges is the only folder of the panel ever written to; no file is
	// placed where it is empty.
	Challenges string   `key:"challenges" is:"path" title:"The panel's challenge folder, to place a real token while checking"`
	AccessLogs []string `key:"access_logs" is:"log" title:"Access logs of the sites; * stands for the domain"`
	Vhosts     []string `key:"vhosts" is:"settings" title:"The web server's settings, to see whether the certificate files they name are there"`
	ACME       ACME     `key:"acme" title:"The CA that the panel orders from"`
}

// Messengers are the ways to talk with people; each may be absent.
type Messengers struct {
	Telegram Telegram `key:"telegram" title:"Telegram, by long polling"`
	Slack    Slack    `key:"slack" title:"Slack, by Socket Mode"`
}

// Telegram is a bot at Telegram; it is off while Token is not set.
type Telegram struct {
	Token  Secret `key:"token" is:"secret" shape:"telegram" title:"The bot's token, from @BotFather"`
	APIURL string `key:"api_url" is:"url" title:"Another Bot API server; Telegram's own if absent"`
	Proxy  Secret `key:"proxy" is:"proxy" title:"The way out, http:// or socks5://"`
}

// Slack is an app at Slack; it is off while BotToken is not set.
type Slack struct {
	BotToken Secret `key:"bot_token" is:"secret" shape:"slackbot" title:"The bot token, xoxb-"`
	AppToken Secret `key:"app_token" is:"secret" shape:"slackapp" title:"The app-level token for Socket Mode, xapp-"`
	APIURL   string `key:"api_url" is:"url" title:"Another Slack API server; Slack's own if absent"`
	Proxy    Secret `key:"proxy" is:"proxy" title:"The way out, http:// or socks5://"`
}

// Chat is where Domovoy speaks; it answers there whoever may ask.
type Chat struct {
	To bot.Address `key:"to" is:"chat" need:"true" title:"telegram:-1001234567890/7 or slack:C0123456789"`
	// Language is Config.Language where the chat names none.
	Language string   `key:"language" is:"word" enum:"en ru" title:"Language of this chat"`
	Receives []string `key:"receives" is:"word" enum:"alerts daily weekly" default:"alerts daily" title:"What comes unasked"`
	Role     Role     `key:"role" is:"word" enum:"viewer operator admin" default:"viewer" title:"What everyone in the chat may do"`
}

// Person is someone known by an id that never changes hands.
type Person struct {
	ID   string `key:"id" is:"person" need:"true" title:"telegram:123456789 or slack:T012345:U0123456"`
	Role Role   `key:"role" is:"word" enum:"viewer operator admin" need:"true" title:"What this person may do in every chat"`
}

// Role is what someone may do; each includes the one before it.
type Role string

// The roles: ask; take, quiet and report; cancel and read the audit.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)
