package telegram

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
)

// defaultWait is how long to wait after a 429 without a retry_after.
const defaultWait = 5 * time.Second

// explain turns a refusal by Telegram into one of bot's errors. It returns any other
// error as it is: a *bot.Unclear.
func explain(err error, to bot.Address) error {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	switch {
	case !refused:
		return err
	case refusal.MigrateToChatID != 0:
		return &bot.Moved{To: bot.Address{
			Messenger: Messenger,
			Chat:      strconv.FormatInt(refusal.MigrateToChatID, 10),
			Thread:    to.Thread,
		}}
	case refusal.RetryAfter > 0 || refusal.Code == http.StatusTooManyRequests:
		return &bot.RetryAfter{After: waitOf(refusal), Err: err}
	case refusal.Code == http.StatusUnauthorized:
		return &bot.Permanent{Reason: reasonOf(refusal), Token: true, Err: err}
	case closed(refusal):
		return &bot.Permanent{Reason: reasonOf(refusal), Chat: true, Err: err}
	case refusal.Code == http.StatusBadRequest, says(err, "method not found"):
		return &bot.Refused{Reason: reasonOf(refusal), Err: err}
	}
	// A 404 is also the answer to a wrong path, and an unknown 403 may be a
	// proxy's. After a 5xx the message may have been sent.
	return &bot.Unclear{Arrived: refusal.Code >= http.StatusInternalServerError, Answered: true, Err: err}
}

func waitOf(refusal *tgbotapi.Error) time.Duration {
	if refusal.RetryAfter > 0 {
		return time.Duration(refusal.RetryAfter) * time.Second
	}
	return defaultWait
}

// closed reports whether the chat takes nothing from the bot: it is gone, or the
// bot was blocked, removed or silenced there. The API does not document these
// texts; they come from its server and from MTProto.
func closed(refusal *tgbotapi.Error) bool {
	return says(refusal,
		"chat not found", "user not found", "user is deactivated", "peer_id_invalid",
		"bot was blocked", "bot was kicked", "bot is not a member", "bot is not a participant",
		"bot can't initiate conversation", "bot can't send messages to bots",
		"group chat was deactivated", "group chat was deleted", "channel_private",
		"not enough rights", "have no rights", "need administrator rights",
		"chat_write_forbidden", "chat_restricted", "chat_send_plain_forbidden",
	)
}

// reasonOf is the text of a refusal without the name of its HTTP status.
func reasonOf(refusal *tgbotapi.Error) string {
	for _, status := range []string{"Bad Request: ", "Forbidden: "} {
		if reason, found := strings.CutPrefix(refusal.Message, status); found {
			return reason
		}
	}
	return refusal.Message
}

// says reports whether an error is a refusal by Telegram whose text contains one of
// the phrases, which are in lower case.
func says(err error, phrases ...string) bool {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	if !refused {
		return false
	}
	text := strings.ToLower(refusal.Message)
	for _, phrase := range phrases {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}
