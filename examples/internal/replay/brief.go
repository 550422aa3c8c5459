package replay

// brief is the help that fits a screen.
const brief = `replay plays a trace of outages against policies, on simulated time.

	go run ./examples/replay -trace FILE -recommend -plot out.svg

  -trace FILE      csv, fta, lanl, or a flight recorder's log; or one of them
                   compressed by gzip; without it a trace is generated
  -policies LIST   such as fixed:2,tiered:30s/5m,phi:8
  -recommend       name the policy that costs least
  -price 30m       price of a needless eviction, in time of stale metadata
  -loss 0.01       the share of contacts that are lost; a trace does not have it
  -interval 30s    time between the heartbeats of a host
  -nodes, -days    use only the first nodes and days
  -warm 500        speed up policies that need history, such as phi
  -plot FILE       draw the policies to an SVG file
  -json            print the figures as JSON too
  -help-all        all flags, formats and policies, and what each figure means

csv is the simplest format: rows of node,down,up, such as
web-1,2005-09-09 09:01:01,2005-09-09 09:03:20. Times without a zone are UTC.`
