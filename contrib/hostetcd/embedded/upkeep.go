package embedded

import (
	"context"
	"log/slog"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	upkeepEvery = 500 * time.Millisecond
	upkeepLimit = time.Minute // for one call
)

// upkeep makes room before the quota is full. etcd removes the history beyond Keep every five minutes.
// Until then large values may fill the quota, and etcd refuses all writes from then on, even if the
// history is removed later: the file of the data does not shrink by itself.
type upkeep struct {
	client    *clientv3.Client
	quota     int64
	name      string
	logger    *slog.Logger
	compacted int64 // the revision up to which this server has removed history
	tries     int   // in turn, since the data were below half of the quota
}

// startUpkeep begins the upkeep. The function that it returns ends it, and waits until it has ended.
func (s *Server) startUpkeep(quota int64) (end func()) {
	if quota < 0 { // etcd has none
		return func() {}
	}
	if quota == 0 {
		quota = defaultQuota // that of etcd, too
	}
	ctx, cancel := context.WithCancel(context.Background())
	u, done := &upkeep{client: s.client, quota: quota, name: s.name, logger: s.logger}, make(chan struct{})
	ticker := time.NewTicker(upkeepEvery) //nolint:forbidigo // etcd goes by real time
	go func() {
		defer close(done)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			if err := u.look(ctx); err != nil && ctx.Err() == nil {
				u.logger.Debug("the upkeep of etcd failed", "name", u.name, "err", err)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// look removes history if the data fill half of the quota, and shrinks the file if it is larger than
// three quarters of the quota and mostly empty. The leader removes history, for all servers.
func (u *upkeep) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, upkeepLimit) //nolint:forbidigo // etcd goes by real time
	defer cancel()
	endpoint := u.client.Endpoints()[0]
	status, err := u.client.Status(ctx, endpoint)
	if err != nil {
		return err
	}
	half := u.quota / 2
	switch {
	case status.DbSizeInUse > half && status.Leader == status.Header.MemberId:
		return u.compact(ctx, status.Header.Revision)
	case status.DbSizeInUse > half:
		return nil
	}
	u.tries = 0
	if status.DbSize > u.quota/4*3 {
		_, err := u.client.Defragment(ctx, endpoint)
		return err
	}
	return u.disarm(ctx, status)
}

// compact removes seven eighths of the history. If that does not help, again and again, the records
// themselves are that large. Then it is tried seldom, and the operator has to know.
func (u *upkeep) compact(ctx context.Context, now int64) error {
	const vain, seldom = 10, 600
	u.tries++
	if u.tries%seldom == vain {
		u.logger.Warn("the records fill more than half of the quota of etcd", "name", u.name, "quota", u.quota)
	}
	to := now - (now-u.compacted)/8
	if to <= u.compacted || u.tries > vain && u.tries%seldom != 0 {
		return nil
	}
	u.compacted = to
	_, err := u.client.Compact(ctx, to, clientv3.WithCompactPhysical())
	return err
}

// disarm ends the alarm that this server has raised because its quota was full, once there is room.
func (u *upkeep) disarm(ctx context.Context, status *clientv3.StatusResponse) error {
	if len(status.Errors) == 0 {
		return nil
	}
	_, err := u.client.AlarmDisarm(ctx, &clientv3.AlarmMember{
		MemberID: status.Header.MemberId, Alarm: etcdserverpb.AlarmType_NOSPACE,
	})
	return err
}
