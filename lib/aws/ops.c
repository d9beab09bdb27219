/*
 * The table of operations.
 *
 * Effects: what the service itself makes safe to repeat is idempotent or has a token; where a read shows
 * whether it has been done, check_first; anything else is once.  A reboot twice is two reboots and no
 * harm.  A check that cannot tell this call's doing from an earlier one's is believed for a short time
 * only.
 */
#include "aws/ops.h"

#include "base/time.h"

#define ATTRIBUTES_IN "MessageAttributes{}{DataType* StringValue BinaryValue:blob}"
#define DIMENSIONS "Dimensions[]{Name* Value*}"
#define BATCH_OUT "Successful[]{Id} Failed[]{Id SenderFault:bool Code Message}"

const struct pb_aws_op pb_aws_ops[] = {
    {
	.service = "cloudwatch",
	.name = "DescribeAlarms",
	.in = "AlarmTypes[] AlarmNames[] AlarmNamePrefix StateValue ChildrenOfAlarmName"
	      " ParentsOfAlarmName ActionPrefix MaxRecords:int NextToken",
	.out =
	    "MetricAlarms[]{AlarmName AlarmArn AlarmDescription ActionsEnabled:bool StateValue"
	    " StateReason StateReasonData StateUpdatedTimestamp:ts StateTransitionedTimestamp:ts"
	    " EvaluationState MetricName Namespace Statistic ExtendedStatistic"
	    " Dimensions[]{Name Value} Period:int EvaluationPeriods:int DatapointsToAlarm:int"
	    " Threshold:num ThresholdMetricId ComparisonOperator TreatMissingData AlarmActions[]}"
	    " CompositeAlarms[]{AlarmName AlarmArn AlarmDescription AlarmRule StateValue"
	    " StateReason StateReasonData StateUpdatedTimestamp:ts StateTransitionedTimestamp:ts"
	    " ActionsSuppressedBy ActionsSuppressedReason} LogAlarms[]{AlarmName} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "cloudwatch",
	.name = "DescribeAlarmHistory",
	.in = "AlarmName AlarmTypes[] HistoryItemType StartDate:ts EndDate:ts MaxRecords:int"
	      " NextToken ScanBy",
	.out = "AlarmHistoryItems[]{AlarmName AlarmType Timestamp:ts HistoryItemType HistorySummary"
	       " HistoryData} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "cloudwatch",
	.name = "ListAlarmMuteRules",
	.in = "AlarmName Statuses[] MaxRecords:int NextToken",
	.out = "AlarmMuteRuleSummaries[]{AlarmMuteRuleArn ExpireDate:ts Status MuteType"
	       " LastUpdatedTimestamp:ts} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "cloudwatch",
	.name = "GetAlarmMuteRule",
	.in = "AlarmMuteRuleName*",
	.out = "Name AlarmMuteRuleArn Description Rule{Schedule{Expression Duration Timezone}}"
	       " MuteTargets{AlarmNames[]} StartDate:ts ExpireDate:ts Status"
	       " LastUpdatedTimestamp:ts MuteType",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "cloudwatch",
	.name = "SetAlarmState",
	.in = "AlarmName* StateValue* StateReason* StateReasonData",
	.out = "",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "cloudwatch",
	.name = "PutMetricAlarm",
	.in = "AlarmName* AlarmDescription ActionsEnabled:bool OKActions[] AlarmActions[]"
	      " InsufficientDataActions[] MetricName Namespace Statistic ExtendedStatistic"
	      " " DIMENSIONS " Period:int Unit EvaluationPeriods:int DatapointsToAlarm:int"
	      " Threshold:num ComparisonOperator* TreatMissingData EvaluateLowSampleCountPercentile"
	      " Metrics[]{Id* MetricStat{Metric*{Namespace MetricName " DIMENSIONS "} Period*:int"
	      " Stat* Unit} Expression Label ReturnData:bool Period:int AccountId}"
	      " Tags[]{Key* Value*} ThresholdMetricId",
	.out = "",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "cloudwatch",
	.name = "ListTagsForResource",
	.in = "ResourceARN*",
	.out = "Tags[]{Key Value}",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "sqs",
	.name = "ReceiveMessage",
	.in = "QueueUrl* MaxNumberOfMessages:int VisibilityTimeout:int WaitTimeSeconds:int"
	      " MessageSystemAttributeNames[] AttributeNames[] MessageAttributeNames[]"
	      " ReceiveRequestAttemptId",
	.out =
	    "Messages[]{MessageId ReceiptHandle MD5OfBody Body Attributes{}"
	    " MessageAttributes{}{DataType StringValue BinaryValue:blob} MD5OfMessageAttributes}",
	.effect = PB_AWS_READ,
	.is_long_poll = true,
    },
    {
	.service = "sqs",
	.name = "DeleteMessage",
	.in = "QueueUrl* ReceiptHandle*",
	.out = "",
	.effect = PB_AWS_IDEMPOTENT,
    },
    {
	.service = "sqs",
	.name = "DeleteMessageBatch",
	.in = "QueueUrl* Entries[]*{Id* ReceiptHandle*}",
	.out = BATCH_OUT,
	.effect = PB_AWS_IDEMPOTENT,
	.has_failed_list = true,
    },
    {
	.service = "sqs",
	.name = "ChangeMessageVisibility",
	.in = "QueueUrl* ReceiptHandle* VisibilityTimeout*:int",
	.out = "",
	.effect = PB_AWS_IDEMPOTENT,
    },
    {
	.service = "sqs",
	.name = "ChangeMessageVisibilityBatch",
	.in = "QueueUrl* Entries[]*{Id* ReceiptHandle* VisibilityTimeout:int}",
	.out = BATCH_OUT,
	.effect = PB_AWS_IDEMPOTENT,
	.has_failed_list = true,
    },
    {
	.service = "sqs",
	.name = "GetQueueUrl",
	.in = "QueueName* QueueOwnerAWSAccountId",
	.out = "QueueUrl*",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "sqs",
	.name = "GetQueueAttributes",
	.in = "QueueUrl* AttributeNames[]",
	.out = "Attributes{}",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "sqs",
	.name = "SendMessage",
	.in = "QueueUrl* MessageBody* DelaySeconds:int " ATTRIBUTES_IN
	      " MessageDeduplicationId MessageGroupId",
	.out = "MessageId* MD5OfMessageBody* MD5OfMessageAttributes SequenceNumber",
	.effect = PB_AWS_TOKEN,
	.token = "MessageDeduplicationId",
	.is_action = true,
    },
    {
	.service = "sns",
	.name = "Publish",
	.in = "TopicArn TargetArn PhoneNumber Message* Subject MessageStructure " ATTRIBUTES_IN
	      " MessageDeduplicationId MessageGroupId",
	.out = "MessageId* SequenceNumber",
	.effect = PB_AWS_TOKEN,
	.token = "MessageDeduplicationId",
	.is_action = true,
    },
    {
	.service = "sts",
	.name = "GetCallerIdentity",
	.in = "",
	.out = "UserId Account Arn*",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "sts",
	.name = "AssumeRoleWithWebIdentity", /* unsigned */
	.in = "RoleArn* RoleSessionName* WebIdentityToken* DurationSeconds:int",
	.out = "Credentials*{AccessKeyId* SecretAccessKey* SessionToken* Expiration*:ts}"
	       " AssumedRoleUser{Arn AssumedRoleId}",
	.effect = PB_AWS_IDEMPOTENT,
    },
    {
	/* Each answer is a set of its own, and an unused one does no harm: safe to repeat. */
	.service = "sts",
	.name = "AssumeRole",
	.in = "RoleArn* RoleSessionName* DurationSeconds:int ExternalId Policy"
	      " PolicyArns[]{arn} Tags[]{Key* Value*} TransitiveTagKeys[] SourceIdentity"
	      " SerialNumber TokenCode",
	.out = "Credentials*{AccessKeyId* SecretAccessKey* SessionToken* Expiration*:ts}"
	       " AssumedRoleUser{Arn AssumedRoleId}",
	.effect = PB_AWS_IDEMPOTENT,
    },
    {
	.service = "ssm",
	.name = "StartAutomationExecution",
	.in =
	    "DocumentName* DocumentVersion Parameters{}:texts ClientToken Mode TargetParameterName "
	    "Targets[]{Key Values[]} MaxConcurrency MaxErrors Tags[]{Key* Value*}",
	.out = "AutomationExecutionId*",
	.effect = PB_AWS_TOKEN,
	.token = "ClientToken",
	.is_token_ours = true,
	.wait = {"GetAutomationExecution",
	    "{'AutomationExecutionId': '${output.AutomationExecutionId}'}",
	    "AutomationExecution.AutomationExecutionStatus", "Success CompletedWithSuccess",
	    "TimedOut Cancelled Failed Rejected CompletedWithFailure Exited",
	    "AutomationExecution.FailureMessage"},
	.is_action = true,
    },
    {
	.service = "ssm",
	.name = "GetAutomationExecution",
	.in = "AutomationExecutionId*",
	.out = "AutomationExecution*{AutomationExecutionId AutomationExecutionStatus* "
	       "FailureMessage CurrentStepName CurrentAction StepExecutions[]{StepName StepStatus "
	       "FailureMessage} Outputs{}:texts ExecutionStartTime:ts ExecutionEndTime:ts}",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "ssm",
	.name = "SendCommand",
	.in = "DocumentName* DocumentVersion InstanceIds[] Targets[]{Key Values[]} "
	      "Parameters{}:texts TimeoutSeconds:int Comment MaxConcurrency MaxErrors "
	      "OutputS3BucketName OutputS3KeyPrefix ServiceRoleArn "
	      "CloudWatchOutputConfig{CloudWatchLogGroupName CloudWatchOutputEnabled:bool}",
	.out = "Command*{CommandId* Status StatusDetails ExpiresAfter:ts TargetCount:int}",
	.effect = PB_AWS_ONCE,
	.wait = {"ListCommands", "{'CommandId': '${output.Command.CommandId}'}",
	    "Commands[].Status", "Success", "Cancelled TimedOut Failed",
	    "Commands[].StatusDetails"},
	.is_action = true,
    },
    {
	.service = "ssm",
	.name = "ListCommands",
	.in = "CommandId InstanceId MaxResults:int NextToken Filters[]{key* value*}",
	.out = "Commands[]{CommandId DocumentName Status StatusDetails RequestedDateTime:ts "
	       "TargetCount:int CompletedCount:int ErrorCount:int DeliveryTimedOutCount:int} "
	       "NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "ssm",
	.name = "ListCommandInvocations",
	.in = "CommandId InstanceId MaxResults:int NextToken Filters[]{key* value*} Details:bool",
	.out = "CommandInvocations[]{CommandId InstanceId InstanceName Status StatusDetails "
	       "CommandPlugins[]{Name Status ResponseCode:int Output}} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "ssm",
	.name = "GetCommandInvocation",
	.in = "CommandId* InstanceId* PluginName",
	.out =
	    "CommandId InstanceId Status* StatusDetails ResponseCode:int StandardOutputContent "
	    "StandardErrorContent ExecutionStartDateTime ExecutionEndDateTime ExecutionElapsedTime",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "EnterStandby",
	.in = "AutoScalingGroupName* InstanceIds[] ShouldDecrementDesiredCapacity*:bool",
	.out = "Activities[]{ActivityId AutoScalingGroupName StatusCode StatusMessage Cause "
	       "Progress:int}",
	.effect = PB_AWS_CHECK_FIRST,
	.check = {"DescribeAutoScalingInstances", "{'InstanceIds': '${inputs.InstanceIds}'}",
	    "{'AutoScalingInstances': {'LifecycleState': ['EnteringStandby', 'Standby']}}", 0},
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "ExitStandby",
	.in = "AutoScalingGroupName* InstanceIds[]",
	.out = "Activities[]{ActivityId AutoScalingGroupName StatusCode StatusMessage Cause "
	       "Progress:int}",
	.effect = PB_AWS_CHECK_FIRST,
	.check = {"DescribeAutoScalingInstances", "{'InstanceIds': '${inputs.InstanceIds}'}",
	    "{'AutoScalingInstances': {'LifecycleState': [{'prefix': 'Pending'}, 'InService']}}",
	    0},
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "SetDesiredCapacity",
	.in = "AutoScalingGroupName* DesiredCapacity*:int HonorCooldown:bool",
	.out = "",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "ExecutePolicy",
	.in = "AutoScalingGroupName PolicyName* HonorCooldown:bool MetricValue:num "
	      "BreachThreshold:num",
	.out = "",
	.effect = PB_AWS_ONCE,
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "StartInstanceRefresh",
	.in = "AutoScalingGroupName* Strategy DesiredConfiguration{LaunchTemplate{LaunchTemplateId "
	      "LaunchTemplateName Version}} Preferences{MinHealthyPercentage:int "
	      "MaxHealthyPercentage:int InstanceWarmup:int CheckpointPercentages[]:int "
	      "CheckpointDelay:int SkipMatching:bool AutoRollback:bool ScaleInProtectedInstances "
	      "StandbyInstances AlarmSpecification{Alarms[]} BakeTime:int}",
	.out = "InstanceRefreshId*",
	.effect = PB_AWS_CHECK_FIRST,
	.check = {"DescribeInstanceRefreshes",
	    "{'AutoScalingGroupName': '${inputs.AutoScalingGroupName}', 'MaxRecords': 1}",
	    "{'InstanceRefreshes': {'Status': ['Pending', 'InProgress', 'Baking']}}",
	    2 * PB_MINUTE},
	.wait = {"DescribeInstanceRefreshes",
	    "{'AutoScalingGroupName': '${inputs.AutoScalingGroupName}', 'MaxRecords': 1}",
	    "InstanceRefreshes[].Status", "Successful",
	    "Failed Cancelled RollbackSuccessful RollbackFailed",
	    "InstanceRefreshes[].StatusReason"},
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "RollbackInstanceRefresh",
	.in = "AutoScalingGroupName*",
	.out = "InstanceRefreshId",
	.effect = PB_AWS_CHECK_FIRST,
	.check = {"DescribeInstanceRefreshes",
	    "{'AutoScalingGroupName': '${inputs.AutoScalingGroupName}', 'MaxRecords': 1}",
	    "{'InstanceRefreshes': {'Status': ['RollbackInProgress', 'RollbackSuccessful']}}", 0},
	.wait = {"DescribeInstanceRefreshes",
	    "{'AutoScalingGroupName': '${inputs.AutoScalingGroupName}', 'MaxRecords': 1}",
	    "InstanceRefreshes[].Status", "RollbackSuccessful",
	    "Successful Failed Cancelled RollbackFailed", "InstanceRefreshes[].StatusReason"},
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "CancelInstanceRefresh",
	.in = "AutoScalingGroupName*",
	.out = "InstanceRefreshId",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "DescribeInstanceRefreshes",
	.in = "AutoScalingGroupName* InstanceRefreshIds[] MaxRecords:int NextToken",
	.out = "InstanceRefreshes[]{InstanceRefreshId AutoScalingGroupName Status StatusReason "
	       "StartTime:ts EndTime:ts PercentageComplete:int InstancesToUpdate:int} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "TerminateInstanceInAutoScalingGroup",
	.in = "InstanceId* ShouldDecrementDesiredCapacity*:bool",
	.out =
	    "Activity{ActivityId AutoScalingGroupName StatusCode StatusMessage Cause Progress:int}",
	.effect = PB_AWS_CHECK_FIRST,
	.check = {"DescribeAutoScalingInstances", "{'InstanceIds': ['${inputs.InstanceId}']}",
	    "{'AutoScalingInstances': {'$or': [{'LifecycleState': [{'prefix': 'Terminat'}]}, "
	    "{'InstanceId': [{'exists': false}]}]}}",
	    0},
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "DescribeAutoScalingGroups",
	.in = "AutoScalingGroupNames[] Filters[]{Name Values[]} IncludeInstances:bool "
	      "MaxRecords:int NextToken",
	.out = "AutoScalingGroups[]{AutoScalingGroupName AutoScalingGroupARN MinSize:int "
	       "MaxSize:int DesiredCapacity:int Status Instances[]{InstanceId AvailabilityZone "
	       "LifecycleState HealthStatus ProtectedFromScaleIn:bool} Tags[]{Key Value} "
	       "SuspendedProcesses[]{ProcessName SuspensionReason}} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "autoscaling",
	.name = "DescribeAutoScalingInstances",
	.in = "InstanceIds[] MaxRecords:int NextToken",
	.out = "AutoScalingInstances[]{InstanceId AutoScalingGroupName AvailabilityZone "
	       "LifecycleState HealthStatus ProtectedFromScaleIn:bool} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "ec2",
	.name = "RebootInstances",
	.in = "InstanceIds=InstanceId[]* DryRun:bool",
	.out = "Return:bool",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "ec2",
	.name = "StartInstances",
	.in = "InstanceIds=InstanceId[]* DryRun:bool",
	.out =
	    "StartingInstances=instancesSet[]{InstanceId CurrentState{Name} PreviousState{Name}}",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "ec2",
	.name = "StopInstances",
	.in = "InstanceIds=InstanceId[]* Force:bool Hibernate:bool DryRun:bool",
	.out =
	    "StoppingInstances=instancesSet[]{InstanceId CurrentState{Name} PreviousState{Name}}",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "ec2",
	.name = "DescribeInstances",
	.in = "InstanceIds=InstanceId[] Filters=Filter[]{Name Values=Value[]} DryRun:bool "
	      "MaxResults:int NextToken",
	.out = "Reservations=reservationSet[]{ReservationId Instances=instancesSet[]{InstanceId "
	       "ImageId State=instanceState{Name} PrivateIpAddress InstanceType LaunchTime:ts "
	       "Placement{AvailabilityZone} SubnetId VpcId Tags=tagSet[]{Key Value}}} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "ec2",
	.name = "DescribeInstanceStatus",
	.in = "InstanceIds=InstanceId[] Filters=Filter[]{Name Values=Value[]} "
	      "IncludeAllInstances:bool DryRun:bool MaxResults:int NextToken",
	.out = "InstanceStatuses=instanceStatusSet[]{InstanceId AvailabilityZone "
	       "InstanceState{Name} InstanceStatus{Status} SystemStatus{Status} "
	       "Events=eventsSet[]{Code Description NotBefore:ts}} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "codedeploy",
	.name = "ListDeployments",
	.in = "applicationName deploymentGroupName externalId includeOnlyStatuses[] "
	      "createTimeRange{start:ts end:ts} nextToken",
	.out = "deployments[] nextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "codedeploy",
	.name = "GetDeployment",
	.in = "deploymentId*",
	.out = "deploymentInfo*{deploymentId applicationName deploymentGroupName "
	       "deploymentConfigName status* errorInformation{code message} "
	       "rollbackInfo{rollbackDeploymentId rollbackTriggeringDeploymentId rollbackMessage} "
	       "creator createTime:ts completeTime:ts computePlatform}",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "codedeploy",
	.name = "CreateDeployment",
	.in = "applicationName* deploymentGroupName revision{revisionType s3Location{bucket key "
	      "bundleType version eTag} gitHubLocation{repository commitId} appSpecContent{content "
	      "sha256}} deploymentConfigName description ignoreApplicationStopFailures:bool "
	      "autoRollbackConfiguration{enabled:bool events[]} updateOutdatedInstancesOnly:bool "
	      "fileExistsBehavior",
	.out = "deploymentId*",
	.effect = PB_AWS_ONCE,
	.wait = {"GetDeployment", "{'deploymentId': '${output.deploymentId}'}",
	    "deploymentInfo.status", "Succeeded", "Failed Stopped",
	    "deploymentInfo.errorInformation.message"},
	.is_action = true,
    },
    {
	.service = "codedeploy",
	.name = "StopDeployment",
	.in = "deploymentId* autoRollbackEnabled:bool",
	.out = "status* statusMessage",
	.effect = PB_AWS_IDEMPOTENT,
	.wait = {"GetDeployment", "{'deploymentId': '${inputs.deploymentId}'}",
	    "deploymentInfo.status", "Stopped", "Failed Succeeded",
	    "deploymentInfo.errorInformation.message"},
	.is_action = true,
    },
    {
	.service = "codepipeline",
	.name = "RollbackStage",
	.in = "pipelineName* stageName* targetPipelineExecutionId*",
	.out = "pipelineExecutionId*",
	.effect = PB_AWS_ONCE,
	.wait = {"GetPipelineExecution",
	    "{'pipelineName': '${inputs.pipelineName}', 'pipelineExecutionId': "
	    "'${output.pipelineExecutionId}'}",
	    "pipelineExecution.status", "Succeeded", "Cancelled Stopped Superseded Failed",
	    "pipelineExecution.statusSummary"},
	.is_action = true,
    },
    {
	.service = "codepipeline",
	.name = "StopPipelineExecution",
	.in = "pipelineName* pipelineExecutionId* abandon:bool reason",
	.out = "pipelineExecutionId*",
	.effect = PB_AWS_IDEMPOTENT,
	.wait = {"GetPipelineExecution",
	    "{'pipelineName': '${inputs.pipelineName}', 'pipelineExecutionId': "
	    "'${inputs.pipelineExecutionId}'}",
	    "pipelineExecution.status", "Stopped", "Succeeded Cancelled Superseded Failed",
	    "pipelineExecution.statusSummary"},
	.is_action = true,
    },
    {
	.service = "codepipeline",
	.name = "RetryStageExecution",
	.in = "pipelineName* stageName* pipelineExecutionId* retryMode*",
	.out = "pipelineExecutionId*",
	.effect = PB_AWS_ONCE,
	.wait = {"GetPipelineExecution",
	    "{'pipelineName': '${inputs.pipelineName}', 'pipelineExecutionId': "
	    "'${output.pipelineExecutionId}'}",
	    "pipelineExecution.status", "Succeeded", "Cancelled Stopped Superseded Failed",
	    "pipelineExecution.statusSummary"},
	.is_action = true,
    },
    {
	.service = "codepipeline",
	.name = "GetPipelineState",
	.in = "name*",
	.out = "pipelineName pipelineVersion:int stageStates[]{stageName latestExecution{status "
	       "pipelineExecutionId} actionStates[]{actionName latestExecution{status summary "
	       "errorDetails{code message}}}}",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "codepipeline",
	.name = "GetPipelineExecution",
	.in = "pipelineName* pipelineExecutionId*",
	.out = "pipelineExecution*{pipelineName pipelineExecutionId status* statusSummary "
	       "executionType trigger{triggerType triggerDetail}}",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "codepipeline",
	.name = "ListPipelineExecutions",
	.in = "pipelineName* maxResults:int nextToken",
	.out = "pipelineExecutionSummaries[]{pipelineExecutionId status startTime:ts "
	       "lastUpdateTime:ts executionType} nextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "cloudformation",
	.name = "RollbackStack",
	.in = "StackName* RoleARN ClientRequestToken RetainExceptOnCreate:bool",
	.out = "StackId OperationId",
	.effect = PB_AWS_TOKEN,
	.token = "ClientRequestToken",
	.is_token_ours = true,
	.repeated = "TokenAlreadyExistsException",
	.wait = {"DescribeStacks", "{'StackName': '${inputs.StackName}'}", "Stacks[].StackStatus",
	    "ROLLBACK_COMPLETE UPDATE_ROLLBACK_COMPLETE",
	    "ROLLBACK_FAILED UPDATE_ROLLBACK_FAILED DELETE_COMPLETE DELETE_FAILED",
	    "Stacks[].StackStatusReason"},
	.is_action = true,
    },
    {
	.service = "cloudformation",
	.name = "ContinueUpdateRollback",
	.in = "StackName* RoleARN ResourcesToSkip[] ClientRequestToken",
	.out = "",
	.effect = PB_AWS_TOKEN,
	.token = "ClientRequestToken",
	.is_token_ours = true,
	.repeated = "TokenAlreadyExistsException",
	.wait = {"DescribeStacks", "{'StackName': '${inputs.StackName}'}", "Stacks[].StackStatus",
	    "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED DELETE_COMPLETE",
	    "Stacks[].StackStatusReason"},
	.is_action = true,
    },
    {
	.service = "cloudformation",
	.name = "CancelUpdateStack",
	.in = "StackName* ClientRequestToken",
	.out = "",
	.effect = PB_AWS_TOKEN,
	.token = "ClientRequestToken",
	.is_token_ours = true,
	.repeated = "TokenAlreadyExistsException",
	.wait = {"DescribeStacks", "{'StackName': '${inputs.StackName}'}", "Stacks[].StackStatus",
	    "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE UPDATE_ROLLBACK_FAILED DELETE_COMPLETE",
	    "Stacks[].StackStatusReason"},
	.is_action = true,
    },
    {
	.service = "cloudformation",
	.name = "DescribeStacks",
	.in = "StackName NextToken",
	.out = "Stacks[]{StackId StackName StackStatus StackStatusReason CreationTime:ts "
	       "LastUpdatedTime:ts Tags[]{Key Value}} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "cloudformation",
	.name = "DescribeStackEvents",
	.in = "StackName* NextToken",
	.out = "StackEvents[]{EventId StackId LogicalResourceId PhysicalResourceId ResourceType "
	       "ResourceStatus ResourceStatusReason Timestamp:ts} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "config",
	.name = "StartRemediationExecution",
	.in = "ConfigRuleName* ResourceKeys[]*{resourceType* resourceId*}",
	.out = "FailureMessage FailedItems[]{resourceType resourceId}",
	.effect = PB_AWS_ONCE,
	.failed_member = "FailedItems",
	.wait = {"DescribeRemediationExecutionStatus",
	    "{'ConfigRuleName': '${inputs.ConfigRuleName}', 'ResourceKeys': "
	    "'${inputs.ResourceKeys}'}",
	    "RemediationExecutionStatuses[].State", "SUCCEEDED", "FAILED",
	    "RemediationExecutionStatuses[].StepDetails[].ErrorMessage"},
	.is_action = true,
    },
    {
	.service = "config",
	.name = "DescribeRemediationExecutionStatus",
	.in = "ConfigRuleName* ResourceKeys[]{resourceType* resourceId*} Limit:int NextToken",
	.out = "RemediationExecutionStatuses[]{ResourceKey{resourceType resourceId} State "
	       "StepDetails[]{Name State ErrorMessage} InvocationTime:ts LastUpdatedTime:ts} "
	       "NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "config",
	.name = "GetComplianceDetailsByConfigRule",
	.in = "ConfigRuleName* ComplianceTypes[] Limit:int NextToken",
	.out = "EvaluationResults[]{EvaluationResultIdentifier{EvaluationResultQualifier{"
	       "ResourceType ResourceId}} ComplianceType Annotation} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
    {
	.service = "config",
	.name = "StartConfigRulesEvaluation",
	.in = "ConfigRuleNames[]",
	.out = "",
	.effect = PB_AWS_IDEMPOTENT,
	.is_action = true,
    },
    {
	.service = "cloudtrail",
	.name = "LookupEvents",
	.in = "LookupAttributes[]{AttributeKey* AttributeValue*} StartTime:ts EndTime:ts "
	      "EventCategory MaxResults:int NextToken",
	.out = "Events[]{EventId EventName EventTime:ts EventSource Username ReadOnly AccessKeyId "
	       "Resources[]{ResourceType ResourceName} CloudTrailEvent} NextToken",
	.effect = PB_AWS_READ,
	.is_action = true,
    },
};
const size_t pb_aws_n_ops = PB_ARRAY_LEN(pb_aws_ops);
