select plan_slots(:#namespace, :#order, :#cron, :#zone, :#from::timestamptz, :#slots::timestamptz[],
  :#until::timestamptz)
