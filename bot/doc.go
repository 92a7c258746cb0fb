// Package bot hears commands, keeps the schedule and delivers messages.
package bot
