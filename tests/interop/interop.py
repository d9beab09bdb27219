"""The daemon against moto, botocore against the sandbox, curl against the API; see run.sh.

A check is a line "ok" or "FAIL"; the logs of what ran are shown when one failed.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

REGION = "us-east-1"
MOTO_ACCOUNT = "123456789012"
SOON = 30  # seconds; only failures wait so long
BAD_SIGNATURE = ("SignatureDoesNotMatch", "InvalidSignatureException")  # query, JSON protocols
BUILD = sys.argv[1]

checks = failures = 0


def check(what, good, shown=""):
    global checks, failures
    checks += 1
    if good:
        print(f"ok   {what}")
        return
    failures += 1
    print(f"FAIL {what}: {shown}")


def soon(ask, limit=SOON):
    """What ask() gives as soon as it is true, else what it gave last."""
    until = time.monotonic() + limit
    while True:
        got = ask()
        if got or time.monotonic() > until:
            return got
        time.sleep(0.1)


def error_of(call):
    """The code of the service's refusal; "" when it took the call."""
    try:
        call()
    except ClientError as e:
        return e.response["Error"]["Code"]
    return ""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A program with its output in a file; ended by the end of the block."""

    def __init__(self, folder, name, argv, env=None):
        self.name = name
        self.log = os.path.join(folder, name + ".log")
        self.out = open(self.log, "wb")
        self.p = subprocess.Popen(
            argv, stdout=self.out, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(25)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.out.close()
        if failures:
            print(f"--- end of {self.name}.log")
            print("\n".join(self.text().splitlines()[-25:]))

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Aws:
    """Clients of one endpoint with one key."""

    def __init__(self, url, key, secret, token=None):
        self.arguments = dict(
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 1}),
        )

    def __getattr__(self, service):
        made = boto3.client(service, **self.arguments)
        setattr(self, service, made)
        return made


# --- the daemon


CONFIG = """
version: 1
daemon:
  state_dir: {folder}/state
  api: {{socket: {folder}/api}}
  aws: {{region: us-east-1}}
sources:
  - {{name: alarms, type: cloudwatch, interval: 5s}}
  - {{name: events, type: sqs, queue_url: "{events}", wait: 2s, visibility: 30s, receivers: 1}}
channels:
  - {{name: pager, type: sns, topic: "{topic}"}}
contacts: [{{name: ana}}]
unmatched: {{alarms: escalate, escalate: oncall, events: drop}}
escalations:
  - {{name: oncall, levels: [{{notify: [ana], via: [pager]}}]}}
playbooks:
  - name: tell
    match: {{detail: {{alarmName: [{{prefix: tell-}}], state: {{value: [ALARM]}}}}}}
    page_by: 5m
    escalate: oncall
    steps:
      - name: say
        action: aws:sqs.SendMessage
        timeout: 20s
        inputs: {{QueueUrl: "{work}", MessageBody: "${{incident.id}} é ${{alarm.name}}"}}
  - name: act
    match: {{detail: {{alarmName: [{{prefix: act-}}], state: {{value: [ALARM]}}}}}}
    page_by: 10m
    escalate: oncall
    steps:
      - name: group
        action: aws:autoscaling.DescribeAutoScalingGroups
        inputs: {{AutoScalingGroupNames: [fleet]}}
        timeout: 20s
      - name: standby
        action: aws:autoscaling.EnterStandby
        inputs:
          AutoScalingGroupName: fleet
          InstanceIds: ["${{steps.group.output.AutoScalingGroups[0].Instances[0].InstanceId}}"]
          ShouldDecrementDesiredCapacity: true
        timeout: 30s
      - name: look
        action: aws:ec2.DescribeInstances
        inputs:
          InstanceIds: ["${{steps.group.output.AutoScalingGroups[0].Instances[0].InstanceId}}"]
          Filters: [{{Name: instance-state-name, Values: [running, pending]}}]
        timeout: 20s
      - name: reboot
        action: aws:ec2.RebootInstances
        inputs: {{InstanceIds: ["${{steps.look.output.Reservations[0].Instances[0].InstanceId}}"]}}
        timeout: 20s
      - name: run
        action: aws:ssm.SendCommand
        inputs:
          DocumentName: AWS-RunShellScript
          InstanceIds: ["${{steps.look.output.Reservations[0].Instances[0].InstanceId}}"]
          Parameters: {{commands: [uptime]}}
        timeout: 60s
      - name: deploys
        action: aws:codedeploy.ListDeployments
        inputs: {{applicationName: app, deploymentGroupName: blue}}
        timeout: 20s
      - name: stack
        action: aws:cloudformation.DescribeStacks
        inputs: {{StackName: net}}
        timeout: 20s
      - name: say
        action: aws:sqs.SendMessage
        timeout: 20s
        inputs:
          QueueUrl: "{work}"
          MessageBody: >-
            acted ${{steps.run.output.done.Commands[0].Status}}
            ${{steps.stack.output.Stacks[0].StackStatus}}
            ${{steps.deploys.output.deployments}}
            ${{steps.look.output.Reservations[0].Instances[0].State.Name}}
"""


def write_config(folder, **names):
    os.makedirs(os.path.join(folder, "conf"))
    with open(os.path.join(folder, "conf", "playbookd.yaml"), "w") as f:
        f.write(CONFIG.format(folder=folder, **names))


def start_daemon(folder, url, key, secret):
    return start_daemon_with(
        folder, url, {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    )


def start_daemon_with(folder, url, credentials):
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_CONFIG_FILE": os.path.join(folder, "none"),
        "AWS_SHARED_CREDENTIALS_FILE": os.path.join(folder, "none"),
    }
    return Process(
        folder,
        "playbookd",
        [os.path.join(BUILD, "playbookd"), "--config", os.path.join(folder, "conf")],
        {**environment, **credentials},
    )


def curl(folder, path, *more):
    """Status and text of the local API, by the curl of the system."""
    run = subprocess.run(
        ["curl", "-sS", "--max-time", "5", "--unix-socket", f"{folder}/api", "-w", "\n%{http_code}"]
        + [*more, "http://playbookd" + path],
        capture_output=True,
        text=True,
    )
    body, _, status = run.stdout.rpartition("\n")
    return (int(status) if status.isdigit() else 0), body


def incident(folder, title, state):
    status, body = curl(folder, "/v1/incidents?state=all")
    if status != 200:
        return None
    found = [i for i in json.loads(body)["incidents"] if i["title"] == title]
    return next((i for i in found if state is None or i["state"] == state), None)


# --- against moto


def guarded_key(url):
    """Make a user who may use these services, and turn authentication on."""
    open_aws = Aws(url, "anyone", "anything")
    open_aws.iam.create_user(UserName="playbookd")
    # moto names CloudWatch's actions by its signing name.
    allowed = ["cloudwatch:*", "monitoring:*", "sqs:*", "sns:*", "sts:*", "autoscaling:*", "ec2:*"]
    allowed += ["ssm:*", "codedeploy:*", "cloudformation:*", "iam:*"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}],
    }
    open_aws.iam.put_user_policy(
        UserName="playbookd", PolicyName="p", PolicyDocument=json.dumps(policy)
    )
    made = open_aws.iam.create_access_key(UserName="playbookd")["AccessKey"]
    text = {"Content-Type": "text/plain"}
    ask = urllib.request.Request(f"{url}/moto-api/reset-auth", data=b"0", headers=text)
    urllib.request.urlopen(ask).read()
    return made["AccessKeyId"], made["SecretAccessKey"]


def furnish(aws):
    """Queues, a topic with a queue behind it; their names for the configuration."""
    topic = aws.sns.create_topic(Name="pager")["TopicArn"]
    urls = {n: aws.sqs.create_queue(QueueName=n)["QueueUrl"] for n in ("events", "work", "inbox")}
    aws.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{MOTO_ACCOUNT}:inbox"
    )
    return {"topic": topic, **urls}


def furnish_fleet(aws):
    """A group of one instance, an application with a deployment, a stack."""
    image = aws.ec2.describe_images()["Images"][0]["ImageId"]
    aws.autoscaling.create_launch_configuration(
        LaunchConfigurationName="c", ImageId=image, InstanceType="t3.micro"
    )
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="fleet",
        LaunchConfigurationName="c",
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=1,
        AvailabilityZones=[REGION + "a"],
    )
    aws.codedeploy.create_application(applicationName="app", computePlatform="Server")
    aws.codedeploy.create_deployment_group(
        applicationName="app", deploymentGroupName="blue", serviceRoleArn="arn:aws:iam::1:role/r"
    )
    template = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    aws.cloudformation.create_stack(StackName="net", TemplateBody=json.dumps(template))


def make_alarm(aws, name):
    aws.cloudwatch.put_metric_alarm(
        AlarmName=name,
        MetricName="Errors",
        Namespace="App",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    set_alarm(aws, name, "OK")


def set_alarm(aws, name, state):
    aws.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=f"now {state} é")


def take(aws, url, text):
    """The bodies of messages that have the text, taken off the queue."""
    found = []
    answer = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    for message in answer.get("Messages", []):
        if text in message["Body"]:
            found.append(message["Body"])
        aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def event_of(name, account):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "version": "0",
        "id": f"id-of-{name}",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": account,
        "time": now,
        "region": REGION,
        "resources": [f"arn:aws:cloudwatch:{REGION}:{account}:alarm:{name}"],
        "detail": {
            "alarmName": name,
            "state": {"value": "ALARM", "reason": "too high", "timestamp": now},
            "previousState": {"value": "OK", "timestamp": now},
        },
    }


def is_empty(aws, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    got = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(got[n] == "0" for n in names)


def follow_an_alarm(aws, folder, names):
    set_alarm(aws, "polled-1", "ALARM")
    pages = soon(lambda: take(aws, names["inbox"], "polled-1"))
    check("an alarm of CloudWatch is polled, and the page comes out of SNS", pages, "no page")
    if pages:
        envelope = json.loads(pages[0])
        check(
            "as a notification with a subject",
            envelope["Type"] == "Notification" and envelope.get("Subject"),
            envelope,
        )
    set_alarm(aws, "polled-1", "OK")
    check("OK resolves it", soon(lambda: incident(folder, "polled-1", "resolved")), "still open")


def follow_an_event(aws, folder, names):
    body = json.dumps(event_of("sent-1", MOTO_ACCOUNT))
    aws.sqs.send_message(QueueUrl=names["events"], MessageBody=body)
    check(
        "an event of a queue is paged", soon(lambda: take(aws, names["inbox"], "sent-1")), "no page"
    )
    check(
        "and taken off the queue", soon(lambda: is_empty(aws, names["events"])), "it is still there"
    )


def follow_a_step(aws, folder, names):
    set_alarm(aws, "tell-1", "ALARM")
    said = soon(lambda: take(aws, names["work"], "tell-1"))
    check("a step sends a message by SQS", said and said[0].endswith(" é tell-1"), said)
    again = take(aws, names["work"], "tell-1")
    check("once", not again, again)


def follow_actions(aws, folder, names):
    set_alarm(aws, "act-1", "ALARM")
    said = soon(lambda: take(aws, names["work"], "acted "), 60)
    wanted = "acted Success CREATE_COMPLETE [] running"
    shown = curl(folder, "/v1/tail?since=0")[1][-1500:] if not said else said
    check("steps act on EC2, Auto Scaling, SSM, CodeDeploy, stacks", said == [wanted], shown)
    found = aws.autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    check("the instance is in standby", [i["LifecycleState"] for i in found] == ["Standby"], found)
    sent = aws.ssm.list_commands()["Commands"]
    check("one command was sent", len(sent) == 1 and sent[0]["Parameters"], sent)


def ask_by_curl(folder):
    status, body = curl(folder, "/v1/status")
    check("curl: the status is JSON", status == 200 and json.loads(body)["sources"], body)
    status, body = curl(folder, "/v1/nothing")
    check(
        "curl: an unknown path is 404 with a reason",
        status == 404 and json.loads(body)["error"],
        body,
    )
    status, body = curl(folder, "/v1/incidents", "-X", "PUT")
    check("curl: an unknown method is refused", status in (405, 501), status)
    event = json.dumps(event_of("posted-1", MOTO_ACCOUNT))
    status, body = curl(folder, "/v1/inject", "-d", event)
    check("curl: an event is injected", status in (200, 202), body)
    check("curl: and becomes an incident", soon(lambda: incident(folder, "posted-1", None)), "none")
    status, body = curl(folder, "/v1/inject", "-d", "{not json")
    check("curl: nonsense is 400 with a reason", status == 400 and json.loads(body)["error"], body)
    status, body = curl(folder, "/v1/inject", "--data-binary", "@" + big_file(folder))
    check("curl: too much is 413", status == 413, f"{status} {body[:200]}")
    status, body = curl(folder, "/v1/tail?since=0")
    lines = [json.loads(line) for line in body.splitlines()]
    check(
        "curl: the trace is JSON by lines",
        status == 200 and any("posted-1" in n["text"] for n in lines),
        body[-300:],
    )
    known = incident(folder, "posted-1", None)
    status, body = curl(
        folder, f"/v1/incidents/{known['id']}/ack" if known else "/v1/none", "-X", "POST"
    )
    check("curl: an incident is acknowledged", status == 200, body)


def big_file(folder):
    path = os.path.join(folder, "big")
    with open(path, "w") as f:
        f.write("x" * (3 << 20))
    return path


def make_role(aws):
    """One that the user may assume, and that may do what the user may."""
    anybody = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    trust = {"Version": "2012-10-17", "Statement": [anybody]}
    made = aws.iam.create_role(RoleName="ops", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [everything]}
    aws.iam.put_role_policy(
        RoleName="ops", PolicyName="p", PolicyDocument=json.dumps(policy)
    )
    return made["Arn"]


def assume_a_role(aws, folder, url, key, secret):
    role = make_role(aws)
    path = os.path.join(folder, "profiles")
    with open(path, "w") as f:
        f.write(f"[default]\nrole_arn = {role}\nsource_profile = keys\nexternal_id = x1\n")
        f.write(f"[profile keys]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    with start_daemon_with(folder, url, {"AWS_CONFIG_FILE": path}) as daemon:
        polled = soon(lambda: all("last_ok_at" in s for s in sources(folder)))
        check("with a role assumed it polls", polled, daemon.text()[-500:])
        status, body = curl(folder, "/v1/status")
        named = f"role {role} assumed with profile keys" in body
        check("and says which", named, body)


def with_moto(folder):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = os.path.join(os.path.dirname(__file__), "moto_exact.py")
    argv = [sys.executable, program, "-H", "127.0.0.1", "-p", str(port)]
    with Process(folder, "moto", argv, {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000"}) as moto:
        if not soon(lambda: can_connect(port)):
            check("moto starts", False, moto.text()[-500:])
            return
        key, secret = guarded_key(url)
        aws = Aws(url, key, secret)
        wrong = error_of(lambda: Aws(url, key, "wrong").sns.list_topics())
        check("moto refuses a wrong signature", wrong in BAD_SIGNATURE, wrong)
        names = furnish(aws)
        furnish_fleet(aws)
        for name in ("polled-1", "tell-1", "act-1"):
            make_alarm(aws, name)
        write_config(folder, **names)
        with start_daemon(folder, url, key, secret) as daemon:
            up = soon(lambda: curl(folder, "/v1/status")[0] == 200)
            check("the daemon starts", up, daemon.text()[-500:])
            polled = soon(lambda: all("last_ok_at" in s for s in sources(folder)))
            check(
                "moto takes its signatures, and it understands the answers", polled, sources(folder)
            )
            follow_an_alarm(aws, folder, names)
            follow_an_event(aws, folder, names)
            follow_a_step(aws, folder, names)
            follow_actions(aws, folder, names)
            ask_by_curl(folder)
        check("it ends well", daemon.p.returncode == 0, daemon.p.returncode)
        assume_a_role(aws, folder, url, key, secret)
        with start_daemon(folder, url, key, "wrong") as daemon:
            # moto refuses with XML whatever the protocol: of a JSON one the status is understood.
            said = soon(lambda: "the credentials from environment" in daemon.text())
            check(
                "a wrong secret is told in the log, with where it came from",
                said,
                daemon.text()[-500:],
            )
            check("and does not end it", daemon.p.poll() is None, daemon.p.returncode)


def sources(folder):
    status, body = curl(folder, "/v1/status")
    return json.loads(body)["sources"] if status == 200 else [{}]


def can_connect(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


# --- botocore against the sandbox


def sandbox_queues(aws):
    url = aws.sqs.create_queue(QueueName="q")["QueueUrl"]
    attributes = {
        "a": {"DataType": "String", "StringValue": "é"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    # botocore checks the MD5s of what it sent and of what it gets.
    aws.sqs.send_message(QueueUrl=url, MessageBody="hé<&>llo", MessageAttributes=attributes)
    got = aws.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=2)
    message = got["Messages"][0]
    check("botocore: a message comes back", message["Body"] == "hé<&>llo", message)
    check(
        "botocore: with its attributes",
        message["MessageAttributes"]["b"]["BinaryValue"] == b"\x00\xff",
        message,
    )
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    check(
        "botocore: a queue that is not there",
        error_of(lambda: aws.sqs.get_queue_url(QueueName="no"))
        in ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    )
    return url


def sandbox_topics(aws, url):
    topic = aws.sns.create_topic(Name="t")["TopicArn"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    aws.sns.publish(TopicArn=topic, Message="page & <you> +%", Subject="S")
    got = aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
    check(
        "botocore: what is published arrives",
        got and json.loads(got[0]["Body"])["Message"] == "page & <you> +%",
        got,
    )
    check(
        "botocore: an empty message is refused",
        error_of(lambda: aws.sns.publish(TopicArn=topic, Message="")) == "InvalidParameter",
    )


def sandbox_alarms(aws, url):
    make = {"name": "many", "count": 250, "state": "OK"}
    ask = urllib.request.Request(f"{url}/_sandbox/alarms", data=json.dumps(make).encode())
    urllib.request.urlopen(ask).read()
    pages = aws.cloudwatch.get_paginator("describe_alarms").paginate()
    names = {a["AlarmName"] for page in pages for a in page["MetricAlarms"]}
    check("botocore: alarms come in pages", len(names) == 250, len(names))
    state = {"state": "ALARM"}
    ask = urllib.request.Request(
        f"{url}/_sandbox/alarms/many-7/state", data=json.dumps(state).encode()
    )
    urllib.request.urlopen(ask).read()
    history = aws.cloudwatch.describe_alarm_history(
        AlarmName="many-7", HistoryItemType="StateUpdate"
    )
    data = json.loads(history["AlarmHistoryItems"][0]["HistoryData"])
    check(
        "botocore: a transition is in the history", data["newState"]["stateValue"] == "ALARM", data
    )


def sandbox_roles(aws, url):
    role = "arn:aws:iam::111122223333:role/r"
    given = aws.sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    token = given["SessionToken"]
    assumed = Aws(url, given["AccessKeyId"], given["SecretAccessKey"], token)
    who = assumed.sts.get_caller_identity()["Account"]
    check("botocore: a role assumed is taken", who == "111122223333", who)
    fetch = InstanceMetadataFetcher(timeout=5, num_attempts=1, base_url=url + "/")
    found = fetch.retrieve_iam_role_credentials()
    token = found.get("token")
    instance = Aws(url, found.get("access_key"), found.get("secret_key"), token)
    who = instance.sts.get_caller_identity()["Account"]
    check("botocore: credentials of instance metadata are taken", who == "111122223333", who)


def with_sandbox(folder):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [os.path.join(BUILD, "playbookd-sandbox"), "--port", str(port)]
    with Process(folder, "sandbox", argv) as sandbox:
        if not soon(lambda: can_connect(port)):
            check("the sandbox starts", False, sandbox.text()[-500:])
            return
        aws = Aws(url, "AKIDSANDBOX", "sandbox-secret")
        who = aws.sts.get_caller_identity()["Account"]
        check("botocore: its signatures are taken", who == "111122223333", who)
        for service, call in (
            ("sts", "get_caller_identity"),
            ("sqs", "list_queues"),
            ("cloudwatch", "describe_alarms"),
        ):
            wrong = getattr(Aws(url, "AKIDSANDBOX", "wrong"), service)
            code = error_of(getattr(wrong, call))
            check(f"botocore: a wrong one is refused by {service}", code in BAD_SIGNATURE, code)
        sandbox_roles(aws, url)
        queue = sandbox_queues(aws)
        sandbox_topics(aws, queue)
        sandbox_alarms(aws, url)


def main():
    for part in (with_sandbox, with_moto):
        folder = tempfile.mkdtemp(prefix="interop-", dir=BUILD)
        try:
            part(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"interop: Checks: {checks}, Failures: {failures}")
    return 0 if checks > 0 and failures == 0 else 1


sys.exit(main())
