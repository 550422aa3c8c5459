package peerd

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"google.golang.org/protobuf/proto"

	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// runHost announces the i-th host until ctx ends. Then the host leaves. refused is set if the host
// ended earlier, because each scheduler refused it. err is set if it could not leave.
func (f *fleet) runHost(ctx context.Context, i int) (refused, err error) {
	id := f.cfg.HostID(i)
	host, err := announcer.New(f.config(id, i))
	if err != nil {
		return nil, err
	}
	switch err = host.Run(ctx); {
	case errors.Is(err, announcer.ErrNotLeft):
		return nil, err
	case ctx.Err() == nil:
		return fmt.Errorf("%s is refused: %w", id, err), nil
	default: // a scheduler may have refused it: that is logged
		return nil, nil
	}
}

// config configures a host: with one target, or with Config.All with one for each scheduler.
func (f *fleet) config(id string, i int) announcer.Config[*commonv2.Host] {
	host := f.describe(id)
	c := announcer.Config[*commonv2.Host]{
		ID: id, Interval: f.cfg.Interval, Incarnation: f.cfg.incarnation,
		Metadata: func() *commonv2.Host { return host },
		Classify: classify, Sequential: true, LeaveTimeout: leaveLimit, Logger: f.hostLog,
	}
	var contacts []*contact
	for _, lines := range f.lines {
		contacts = append(contacts, newContact(f, lines[i%len(lines)], id))
	}
	if !f.cfg.All {
		c.Targets = append(c.Targets, newRoute(contacts, id, f.cfg.Roam).target())
		return c
	}
	for i := range contacts {
		c.Targets = append(c.Targets, newRoute(contacts[i:i+1], id, false).target())
	}
	return c
}

func (f *fleet) describe(id string) *commonv2.Host {
	return &commonv2.Host{
		Id: id, Hostname: id, Ip: "127.0.0.1", Port: 4000, DownloadPort: 4001,
		Os: runtime.GOOS, Platform: runtime.GOARCH,
		Network: &commonv2.Network{Idc: proto.String(f.cfg.Zone)},
		Build:   &commonv2.Build{GitVersion: "hostlife-example"},
	}
}
