package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/checks/lab"
)

// Held is what the program held, early and late: medians, and the least goroutines and
// open files. Connections that rest and are closed again make these two swing, which a
// leak does not hide: it raises the least, too.
type Held struct {
	EarlyMemory     float64 `json:"early_memory"` // MB
	LateMemory      float64 `json:"late_memory"`
	EarlyGoroutines float64 `json:"early_goroutines"`
	LateGoroutines  float64 `json:"late_goroutines"`
	EarlyFiles      float64 `json:"early_files"`
	LateFiles       float64 `json:"late_files"`
}

// names are the metrics that are watched.
var names = [...]string{"process_resident_memory_bytes", "go_goroutines", "process_open_fds"}

// holdings watches what a program holds, while its panel changes.
type holdings struct {
	stop    context.CancelFunc
	done    chan error
	samples [][len(names)]float64
}

// often is how often the metrics are read, and the panel changes. Three times as
// often as the panel is read would be too often for the sample's log.
const often = 2 * time.Second

// hold begins to watch the program whose metrics are on a port, and to change the
// panel: certificates begin to be issued, fail, and are issued again.
func hold(panel *lab.Panel, port string, during time.Duration) *holdings {
	ctx, stop := context.WithTimeout(context.Background(), during)
	h := &holdings{stop: stop, done: make(chan error, 1)}
	go func() { h.done <- h.watch(ctx, panel, "http://127.0.0.1:"+port+"/metrics") }()
	return h
}

func (h *holdings) watch(ctx context.Context, panel *lab.Panel, url string) error {
	ticks := time.NewTicker(often)
	defer ticks.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		change := fmt.Sprintf("UPDATE letsencrypt_ssl SET processing = CASE WHEN id %% 40 = %d THEN 'on' ELSE '' END, failed = CASE WHEN id %% 60 = %d THEN 'on' ELSE failed END WHERE id %% 20 = %d", n%40, n%60, n%20)
		log := fmt.Sprintf("INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, status, date, message FROM letsencrypt_log WHERE id %% 500 = %d LIMIT 5", n%500)
		if err := errors.Join(panel.Exec(change), panel.Exec(log)); err != nil {
			return err
		}
		if sample, err := scrape(ctx, url); err == nil { // at first nobody answers yet
			h.samples = append(h.samples, sample)
		}
	}
}

// scrape reads the metrics once.
func scrape(ctx context.Context, url string) (sample [len(names)]float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return sample, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return sample, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n := slices.Index(names[:], name); n >= 0 {
			if sample[n], err = strconv.ParseFloat(value, 64); err != nil {
				return sample, err
			}
		}
	}
	if slices.Contains(sample[:], 0) {
		return sample, errors.New("a metric is missing")
	}
	return sample, nil
}

// end stops watching, and adds what was held to the figures.
func (h *holdings) end(f *figures) error {
	h.stop()
	if err := <-h.done; err != nil {
		return err
	}
	if len(h.samples) < 20 {
		return fmt.Errorf("the metrics were read %d times only", len(h.samples))
	}
	tenth := len(h.samples) / 10
	early, late := h.samples[tenth:2*tenth+1], h.samples[len(h.samples)-tenth-1:]
	f.Held = &Held{
		EarlyMemory: middle(early, 0) / (1 << 20), LateMemory: middle(late, 0) / (1 << 20),
		EarlyGoroutines: least(early, 1), LateGoroutines: least(late, 1),
		EarlyFiles: least(early, 2), LateFiles: least(late, 2),
	}
	return nil
}

// middle is the median of one metric.
func middle(samples [][len(names)]float64, n int) float64 {
	values := valuesOf(samples, n)
	return values[len(values)/2]
}

// least is the smallest value of one metric.
func least(samples [][len(names)]float64, n int) float64 { return valuesOf(samples, n)[0] }

// valuesOf are the values of one metric, the smallest first.
func valuesOf(samples [][len(names)]float64, n int) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, s[n])
	}
	slices.Sort(values)
	return values
}
