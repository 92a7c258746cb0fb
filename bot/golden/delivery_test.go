package golden

import (
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// deliveryCases are what the delivery says about itself.
func deliveryCases() map[string]message {
	const chat = "telegram:-1001234567890"
	storm := func(w compose.Writer) reports.Message { return stormy(w) }
	return map[string]message{
		"delivery.late": func(w compose.Writer) reports.Message { return compose.Late(w, storm(w), ago(31*time.Minute), "") },
		"delivery.spared": func(w compose.Writer) reports.Message {
			return compose.Late(w, storm(w), ago(31*time.Minute), "email:ops@example.com")
		},
		"delivery.spare": func(w compose.Writer) reports.Message {
			return compose.Spare(w, storm(w), compose.MessengerOut(w, "telegram", ago(6*time.Minute), false))
		},
		"delivery.spare.token": func(w compose.Writer) reports.Message {
			return compose.Spare(w, storm(w), compose.MessengerOut(w, "slack", ago(6*time.Minute), true))
		},
		"delivery.spare.chat": func(w compose.Writer) reports.Message {
			return compose.Spare(w, storm(w), compose.ChatClosed(w, chat, "bot was kicked from the supergroup chat", ago(6*time.Minute)))
		},
		"delivery.replacement": func(w compose.Writer) reports.Message { return compose.Replacement(w, storm(w)) },
		"delivery.details":     func(w compose.Writer) reports.Message { return compose.Details(w, storm(w), ago(6*time.Minute)) },
		"delivery.missed": func(w compose.Writer) reports.Message {
			lasted := func(title string, from, to int) reports.Missed {
				return reports.Missed{Title: title, Tone: reports.ToneBad, Began: ago(time.Duration(from) * time.Minute), Ended: ago(time.Duration(to) * time.Minute)}
			}
			return compose.Missed(w, []reports.Missed{lasted("isp1: 127 (100)", 31, 20), lasted("isp2: 61 (50)", 25, 22), lasted("isp1: 127 (100)", 15, 9)})
		},
		"delivery.missed.one": func(w compose.Writer) reports.Message {
			return compose.Missed(w, []reports.Missed{{Title: "isp1: 127 (100)", Began: ago(31 * time.Minute), Ended: ago(20 * time.Minute)}})
		},
		"delivery.closed": func(w compose.Writer) reports.Message {
			return compose.ChatClosedNotice(w, chat, "bot was kicked from the supergroup chat")
		},
		"delivery.token":          func(w compose.Writer) reports.Message { return compose.TokenRefused(w, "slack", "token_revoked") },
		"delivery.tried":          func(w compose.Writer) reports.Message { return compose.DeliveryTried(w, 12) },
		"delivery.enabled":        func(w compose.Writer) reports.Message { return compose.ChatEnabled(w, chat, true) },
		"delivery.enabled.before": func(w compose.Writer) reports.Message { return compose.ChatEnabled(w, chat, false) },
		"delivery": func(w compose.Writer) reports.Message {
			return compose.Deliveries(w, compose.DeliveryReport{Chats: []compose.ChatReport{{Chat: chat, Sent: 14, Last: ago(3 * time.Hour)}, {Chat: "slack:C0123456789", Sent: 12, Last: ago(3 * time.Hour)}}})
		},
		"delivery.trouble": func(w compose.Writer) reports.Message {
			return compose.Deliveries(w, compose.DeliveryReport{
				Delivery: compose.Delivery{Waiting: 7, Oldest: ago(12 * time.Minute), Lost: 1, Closed: []string{chat}, Out: []compose.Out{{Messenger: "slack", Since: ago(12 * time.Minute)}}},
				Chats: []compose.ChatReport{{Chat: chat, Sent: 14, Waiting: 6, Dropped: 1, Last: ago(3 * time.Hour)},
					{Chat: "telegram:123456789", Waiting: 1, HeldUntil: ago(-2 * time.Minute)}},
				Refusals: []compose.Refused{{Chat: chat, Since: ago(time.Hour), Reason: "bot was kicked from the supergroup chat"}},
				Next: append([]compose.DeliveryLine{{Chat: "slack:C0123456789", Title: storm(w).Title, Rank: "critical", Made: ago(12 * time.Minute), Next: ago(-time.Minute),
					Tries: 5, Error: "sending a message to Slack: slack server error: 502 Bad Gateway"}}, ofEachRank(chat)...),
				Dropped: []compose.DeliveryLine{{Chat: chat, Title: storm(w).Title, Rank: "alert", Made: ago(5 * time.Hour), Error: "refused: Bad Request: something new"}},
				Spares:  2, MayRetry: true,
			})
		},
	}
}

// ofEachRank is a message of every rank that waits.
func ofEachRank(chat string) (lines []compose.DeliveryLine) {
	for r := journal.RankCritical; r <= journal.RankDigest; r++ {
		lines = append(lines, compose.DeliveryLine{Chat: chat + "/7", Title: "isp1", Rank: r.String(), Made: ago(12 * time.Minute)})
	}
	return lines
}
