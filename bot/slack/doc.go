// Package slack talks with people in Slack over Socket Mode.
//
// # Text
//
// Everything is rendered as rich_text blocks, never as mrkdwn. The words we
// show are mostly foreign (names of domains, error texts of a CA, pages of a
// stranger's web server), and in mrkdwn a stray "*" or "_" garbles them while
// "<!channel>" wakes everybody. A rich_text element is a literal string: it
// needs no escaping, pings nobody, and makes no link out of a domain that may
// belong to somebody else by now. The fallback text of a notification is
// mrkdwn whatever one does; there &, < and > are escaped, as
// https://docs.slack.dev/messaging/formatting-message-text asks.
//
// # Rights
//
// The app needs the scopes app_mentions:read, chat:write, commands and
// files:write, and connections:write for its xapp token; im:history too if
// people shall talk to it in a direct message without the slash command.
package slack
