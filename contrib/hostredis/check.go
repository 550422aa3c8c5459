package hostredis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Check reads the settings of Redis and returns a warning for each one that endangers the table.
// The first Feed calls it, and logs the warnings. The error says what could not be read. An ACL
// user may lack INFO and CONFIG GET, which only Check needs.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	f := &feed{store: s, ctx: ctx}
	if err := f.connect(); err != nil {
		return nil, err
	}
	defer f.hangUp()
	return f.check()
}

// checkOnce logs what check returns, for the first feed of a Store.
func (f *feed) checkOnce() {
	if f.store.checked.Swap(true) {
		return
	}
	warnings, err := f.check()
	for _, w := range warnings {
		f.store.logger.WarnContext(f.ctx, "a setting of Redis endangers the table", "why", w, "namespace", f.store.keys.meta)
	}
	switch {
	case ended(f.ctx) != nil:
		f.store.checked.Store(false)
	case err != nil:
		f.store.logger.InfoContext(f.ctx, "the settings of Redis could not be checked", "err", err)
	}
}

func (f *feed) check() (warnings []string, err error) {
	text, err := ask[string](f, "info")
	if err != nil {
		return nil, fmt.Errorf("hostredis: INFO: %w", err)
	}
	info := infoOf(text)
	warnings = info.warnings()
	lag, err := ask[any](f, "config", "get", "min-replicas-*")
	if err != nil {
		return warnings, fmt.Errorf("hostredis: CONFIG GET: %w", err)
	}
	if n, _ := strconv.Atoi(info["connected_slaves"]); n > 0 {
		warnings = append(warnings, f.store.fence(settingsOf(lag))...)
	}
	return warnings, nil
}

func ask[T any](f *feed, args ...any) (v T, err error) {
	cmd := redis.NewCmd(f.ctx, args...)
	if err := f.line.client.Process(f.ctx, cmd); err != nil {
		return v, err
	}
	v, ok := cmd.Val().(T)
	if !ok {
		return v, errReply
	}
	return v, nil
}

// info has the fields of INFO.
type info map[string]string

func infoOf(text string) info {
	all := info{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

func (i info) warnings() (w []string) {
	version, _, _ := strings.Cut(i["redis_version"], ".")
	if n, err := strconv.Atoi(version); err == nil && n < 7 {
		w = append(w, "Redis "+i["redis_version"]+" is older than 7.")
	}
	if policy := i["maxmemory_policy"]; strings.HasPrefix(policy, "allkeys-") {
		w = append(w, "maxmemory-policy is "+policy+": under memory pressure, Redis drops records of the table. Set noeviction.")
	}
	if i["role"] == "slave" {
		w = append(w, "The client is connected to a replica.")
	}
	return w
}

// settingsOf returns the answer to CONFIG GET, which depends on the version of the protocol.
func settingsOf(reply any) map[string]string {
	all := map[string]string{}
	switch reply := reply.(type) {
	case map[any]any:
		for name, value := range reply {
			all[fmt.Sprint(name)] = fmt.Sprint(value)
		}
	case []any:
		for i := 0; i+1 < len(reply); i += 2 {
			all[fmt.Sprint(reply[i])] = fmt.Sprint(reply[i+1])
		}
	}
	return all
}

// fence returns warnings about the settings that keep a primary without replicas from writing. There
// may be two primaries until they do.
func (s *Store) fence(settings map[string]string) []string {
	count, err1 := strconv.Atoi(settings["min-replicas-to-write"])
	seconds, err2 := strconv.Atoi(settings["min-replicas-max-lag"])
	lag := time.Duration(seconds) * time.Second
	switch {
	case err1 != nil || err2 != nil:
		return nil
	case count == 0 || seconds == 0:
		return []string{"Redis has replicas, but min-replicas-to-write is 0: a primary that is cut off accepts writes, which are lost. Set it to 1."}
	case lag >= s.lapse:
		return []string{fmt.Sprintf("min-replicas-max-lag is %v, and Lapse is %v: after a failover there may be two primaries for longer than Lapse. Set a longer Lapse, or a shorter min-replicas-max-lag.", lag, s.lapse)}
	}
	return nil
}
