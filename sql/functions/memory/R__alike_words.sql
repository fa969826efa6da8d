-- Words of operations that mean the same, and words that say little. A job and a memory often speak of one
-- matter in other words (restart, reboot); the full text search knows stems only.
--
-- Measured on the half of the evaluation for tuning: without the groups 4 of 100 relevant memories fewer are
-- found. A word stands in one group, the first that has it.

-- Makes two functions that hold their words as constants, because each call of memories_for_job asks for
-- hundreds. stands_for(p_stem text) returns the group of a stem, behind ~; the stem itself when it is in
-- none. word_weight(p_word text) returns how much a word of searched_words says beside its rarity: 1, or
-- less for a common one.
do $do$
declare
  v_groups text := $words$
    restart reboot relaunch
    deploy deployment release rollout ship publish
    rollback revert undo downgrade
    outage downtime unavailable incident
    crash abort segfault panic
    failure fail
    slow latency sluggish lag
    timeout hang stall freeze frozen unresponsive
    exhausted full
    delete remove purge erase drop prune
    create generate produce
    modify edit alter change
    fix repair resolve patch
    verify validate check inspect
    experiment trial
    log journal
    certificate cert tls ssl https x509
    credential password passphrase secret apikey
    login signin logon authenticate authentication
    logout signout logoff
    permission privilege authorization sudo grant
    approve approval consent
    reject refuse deny decline
    mail email letter mailing newsletter
    notification notify push
    sms texting
    phone telephone
    invoice bill billing
    payment pay
    refund reimburse chargeback
    price cost fee tariff pricing
    euro dollar currency money
    customer client
    user member subscriber
    picture photo image
    screenshot screengrab
    document attachment pdf
    folder directory
    spreadsheet excel csv sheet xlsx
    report summary digest rollup
    survey poll questionnaire interview
    meeting appointment
    deadline due milestone
    cron timer scheduler crontab
    nightly overnight
    daily everyday
    backup dump snapshot
    restore recover recovery
    copy clone
    replica replication mirror standby
    database db postgres postgresql mysql sql
    table relation
    migrate migration
    upgrade update
    ram heap oom memory
    disk storage
    cpu processor
    packet datagram
    firewall iptables
    host server machine vm
    container docker
    kubernetes k8s cluster pod helm
    queue backlog
    broker kafka rabbitmq amqp
    cache redis memcached
    index reindex
    search lookup
    website web
    dashboard overview
    banner popup
    translate translation localization locale
    timezone utc dst
    weekend saturday sunday
    holiday vacation
    big large huge
    small little tiny
    quick fast rapid
    obsolete outdated stale deprecated
    incorrect wrong false
    absent missing lost vanish disappear
    blank empty
    expire expiry expiration
    renew renewal
    increase raise grow growth
    decrease reduce lower shrink
    stop halt terminate kill
    retry repeat resend again
    limit quota cap throttle ratelimit
    licence license
    legal law lawyer lawsuit
    contract agreement
    vendor supplier
    budget spend expense
    cheap discount
    purchase buy procurement
    privacy gdpr personal
    anonymize mask scrub redact pseudonymize
    encrypt encryption cipher
    vulnerability cve exploit
    dependency library package
    merge branch
    staging preproduction sandbox
    production prod
    configuration config setting
    developer engineer programmer
    minor child kid
    birthday birthdate
    coordinate gps geolocation latitude
    compose write draft
    tone wording
    figure number
    percent percentage
    citation cite quote reference
    traffic load
    alarm alert pager
    monitor observability
    webhook callback
    duplicate twice double
    signature sign
    download fetch
    upload attach
    import ingest
    export extract
    registration register signup enrol enroll
    unsubscribe optout
    subscription subscribe
    pool connection
    colour color
    centre center
    organisation organization
    analyse analyze analysis
    behaviour behavior
    catalogue catalog
    cancel cancellation
    synchronize synchronization sync
    permit allow
    forbid forbidden prohibit ban
    transaction commit
    lock deadlock mutex
    thread concurrency parallel
    schema ddl
    column field attribute
    format layout
    test testing
    rename renaming
    shutdown poweroff
    health healthcheck healthy liveness
    rotate rotation
    secretary clerk
    tax vat
    salary payroll
    hire recruit
    shipment delivery parcel courier
    warehouse inventory stock
    checkout cart basket
    coupon voucher promo
    complaint grievance
    escalate escalation
    postmortem retrospective
    rule policy guideline
    forecast prediction estimate
    gate barrier boom
    truck lorry trailer semitrailer
    ship vessel boat
    sea ocean
    sticker label
    print printer printout
    employee staff personnel workforce
    boss manager supervisor
    colleague coworker teammate
    angry furious upset annoyed
    broken damaged defective faulty
    answer reply respond response
    guide manual handbook tutorial documentation
    wifi wlan wireless
    laptop notebook
    screen display
    car vehicle automobile
    doctor physician
    flight plane airline airplane
    train railway rail
    hotel accommodation
    apartment flat condo
    exception stacktrace traceback backtrace
    null nil undefined nan
    regex regexp
    mfa 2fa otp totp
    sso saml oidc oauth
    unicode charset encoding utf8 mojibake umlaut
    gpu cuda nvidia
    bucket blob s3
    vote ballot election
    hospital clinic
    school classroom
    electricity power
    rubbish garbage trash waste
    pause sleep
    assign allocate
    shop store
    pick choose select
    allergy allergic
    doc docs wiki
    chart graph diagram plot
    gather collect
    purpose goal objective
    bug defect
    colliding collision conflict clash
    trip journey travel
    tidy cleanup
    schedule timetable
    scan scanner
    wage paycheck
    rain storm snow
    temperature heat
  $words$;
  v_common text := $words$
    get got make made take taken give given go goes went come came see seen look find found know known
    think thought say said tell told ask asked answer want need needs use used using work works try
    tried keep kept let put set show shown turn turned begin became become leave left move moved run
    bring hold held mean means help seem happen stand lie new old first last next other another same
    different big small large high low long short good bad better best great many much less least
    several own able sure whole full half right wrong open early late soon far near hard easy real
    simple certain possible ready free one two three four five six seven eight nine ten eleven twelve
    twenty hundred thousand million once twice day days week month year hour minute second time times
    today tomorrow yesterday morning evening night moment now monday tuesday wednesday thursday friday
    saturday sunday january february march april may june july august september october november
    december spring summer autumn winter thing people person way part place case point kind sort lot
    side end start list line word name number group step piece matter reason idea example fact please
    thanks hello dear regards always never often again still already also even just ever almost without
    within during after before since until while because whenever every each nothing something anything
    everything someone nobody yet away around across behind beside between under above can could would
    should might must shall will cannot like wish hope believe feel
  $words$;
  v_general text := $words$
    job task request service error problem issue status update change check report review project team
    system data file page message client user member customer test plan note question ticket alert
    symptom
  $words$;
  v_stands_for jsonb;
  v_weights jsonb;
begin
  select jsonb_object_agg(stem, stands_for)
  into v_stands_for
  from (
    select distinct on (stem) stem,
      '~' || first_value(stem) over (partition by line order by place) as stands_for
    from regexp_split_to_table(btrim(v_groups, E' \n'), '\n') with ordinality l (words, line)
    cross join regexp_split_to_table(btrim(words), ' ') with ordinality w (word, place)
    cross join unnest(ts_lexize('pg_catalog.english_stem', word)) stem
    order by stem, line) first_groups;
  -- Chosen: such words are in texts about everything, so that even a rare one says little.
  select jsonb_object_agg(word, weight)
  into v_weights
  from (
    select coalesce(v_stands_for ->> stem, stem) as word, min(weight) as weight
    from (values (v_common, 0.4), (v_general, 0.7)) c (words, weight)
    cross join regexp_split_to_table(btrim(words, E' \n'), '\s+') plain
    cross join unnest(ts_lexize('pg_catalog.english_stem', plain)) stem
    group by 1) weighted;
  execute format(
    'create or replace function stands_for(p_stem text) returns text language sql immutable as'
    || ' $$ select coalesce(%L::jsonb ->> p_stem, p_stem) $$', v_stands_for);
  execute format(
    'create or replace function word_weight(p_word text) returns real language sql immutable as'
    || ' $$ select coalesce((%L::jsonb -> p_word)::real, 1) $$', v_weights);
end
$do$;

-- Memories keep the groups of the day on which they were written. A new database gets the function after this
-- script, and has no memories yet.
do $$
begin
  if to_regproc('index_memories_again') is not null then
    perform index_memories_again();
  end if;
end
$$;
