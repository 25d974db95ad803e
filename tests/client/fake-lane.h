/* The host's end of a lane, for what the client library does with every kind of answer. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* Answers OpenLane of a key whose name tells how the lane behaves (fake-lane.c). */
int fake_lane_open(sd_bus_message *call, sd_event *event, const char *mood);
/* Says on every lane that is still open that it is revoked, and closes it. */
void fake_lanes_revoke(void);
